"""What the interactions service is told by its environment."""

from shared.runtime.settings import Settings


class InteractionsSettings(Settings):
    """Nothing of its own yet: the variables that every service reads."""
