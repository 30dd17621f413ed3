"""What every service needs and no service owns; the order of its rooms is in ADR 17."""
