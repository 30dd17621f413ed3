"""What the loyalty service is told by its environment."""

from typing import Annotated

from pydantic import Field

from shared.runtime.settings import Settings


class LoyaltySettings(Settings):
    """``program`` names the YAML file of the loyalty program; without it, the retail program."""

    loyalty_gauge_seconds: Annotated[float, Field(gt=0, le=600)] = 5.0
    """Seconds between two refreshes of the gauges over all members."""
