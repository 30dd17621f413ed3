"""Bodies and answers of the interactions API, a module a subject."""
