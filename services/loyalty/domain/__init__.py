"""The rules of loyalty: pure functions over frozen models."""
