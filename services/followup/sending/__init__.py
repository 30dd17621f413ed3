"""What the sender of each channel works with: what is ready and whose turn it is, the marks in the store, the
pace, the reports."""
