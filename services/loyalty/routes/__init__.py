"""The routes of the loyalty API, a module a subject."""
