"""Bodies and answers of the interactions API, one module per subject."""
