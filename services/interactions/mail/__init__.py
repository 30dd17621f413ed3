"""E-mail that comes in: ``python -m services.interactions.mail`` (ADR 74)."""
