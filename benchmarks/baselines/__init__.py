"""What the comparison of encoders is made of: its rows, what they cost, and the sizes of others."""
