"""What the metrics API answers, one module per subject."""
