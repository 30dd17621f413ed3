"""The gate: whether a message may go, decided at the moment of sending, in one stated order (ADR 34)."""
