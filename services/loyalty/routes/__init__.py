"""The routes of the loyalty API, one module per subject."""
