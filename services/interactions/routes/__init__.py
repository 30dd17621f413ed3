"""The routes of the interactions API, a module a subject."""
