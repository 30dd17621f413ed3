"""The ways to reach a customer: one file per channel, and a registry."""
