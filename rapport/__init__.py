"""The command line, the servers that a laptop needs, the demo, replay and simulation."""
