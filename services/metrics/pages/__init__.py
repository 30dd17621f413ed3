"""What the relationship's figures look like to people: the live page and the report (ADR 53)."""
