"""Mapping files: from the records of another system, whatever they look like, to events."""
