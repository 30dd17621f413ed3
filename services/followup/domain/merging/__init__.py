"""Ids that turn out to be one person: what a state hands over, takes in, and gives back (ADR 69)."""
