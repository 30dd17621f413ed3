"""What the loyalty API takes and answers, one module per subject."""
