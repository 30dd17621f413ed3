"""The routes of the metrics API, a module a subject."""
