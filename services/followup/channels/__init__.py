"""The ways to reach a customer: one file a channel, and a registry."""
