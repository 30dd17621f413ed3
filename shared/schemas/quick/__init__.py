"""Records of most events, read in one pass: what Pydantic would make of them, in half the time (ADR 89)."""
