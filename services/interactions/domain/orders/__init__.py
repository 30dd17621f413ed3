"""Shops' orders: what was told of each, and what of it is still to be told of its customer."""
