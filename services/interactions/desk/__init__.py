"""The desk: pages where agents and their leads work."""
