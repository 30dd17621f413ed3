"""What other systems send by themselves: an adapter a file, each pure: bytes in, events out (ADR 72)."""
