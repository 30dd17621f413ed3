"""All that is held of a person in all four services, as one document for them (ADR 77)."""
