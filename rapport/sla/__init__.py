"""SLA policies on the command line: what a file holds."""
