"""The desk: the pages on which agents and their leads work."""
