"""A complaint's life."""
