"""Metrics: how the relationship goes, counted live."""
