"""The routes of the followup API, one module per subject."""
