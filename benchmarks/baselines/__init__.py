"""What the comparison of encoders is made of: its rows, its sets, its costs and the page that shows it."""
