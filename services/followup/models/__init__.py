"""Bodies and answers of the followup API, one module per subject."""
