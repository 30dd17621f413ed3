"""Interactions' rules: pure functions over frozen models."""
