"""Outreach rules on the command line: what a file holds, and what a draft would do."""
