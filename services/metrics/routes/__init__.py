"""The routes of the metrics API, one module per subject."""
