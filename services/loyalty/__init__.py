"""Loyalty: points, tiers and rewards, exact to the point."""
