"""The routes of the interactions API, one module per subject."""
