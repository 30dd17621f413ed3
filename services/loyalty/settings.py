"""What the loyalty service is told by its environment."""

from shared.runtime.settings import Settings


class LoyaltySettings(Settings):
    """``program`` names the YAML file of the loyalty program; without it, the retail program."""
