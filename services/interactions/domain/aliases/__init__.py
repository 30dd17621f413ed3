"""What else customers are called by: each alias has one writer, who says whose it is."""
