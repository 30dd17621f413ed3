"""Looks at everything that Rapport needs around it, and says what to do about what is wrong."""
