"""What encoders are compared with, one file a baseline, and the page that shows it."""
