"""What pages of figures are made with: their frame, their style, their bars (ADR 53)."""
