"""Interactions: the customer's page and story, and complaints from open to close."""
