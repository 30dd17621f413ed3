"""``rapport clv``: what customers are worth, estimated from what they bought."""
