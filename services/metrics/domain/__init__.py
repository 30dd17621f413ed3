"""Metrics' rules: what events count as, and what the counts say."""
