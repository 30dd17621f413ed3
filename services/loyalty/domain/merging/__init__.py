"""Two members who are one: what goes from one account into the other, and back (ADR 67)."""
