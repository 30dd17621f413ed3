"""What each page shows, as plain values: pure functions of rows and states.

Words, and how values read, are the templates' matter.
"""
