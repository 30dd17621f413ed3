"""The right message at the right time, or none."""
