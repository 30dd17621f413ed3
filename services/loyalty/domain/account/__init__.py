"""A member's account: lots, tiers, dates and notices, opened for one event and closed again."""
