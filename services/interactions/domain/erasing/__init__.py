"""Customers who are erased, and what is known of how far that has come."""
