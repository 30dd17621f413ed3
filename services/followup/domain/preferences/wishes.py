"""How often a customer wishes to be written to, as the state keeps it."""

from typing import Literal, TypeAlias

from shared.schemas.base import Open
from shared.schemas.times import DAY, Micros

Frequency: TypeAlias = Literal["all", "weekly", "monthly"]
WISHED: frozenset[str] = frozenset({"marketing", "survey"})
"""The purposes that wishes are about; what is service comes when it must."""
PAUSE: Micros = 30 * DAY


class Wishes(Open):
    """What the preference centre was told last."""

    frequency: Frequency = "all"
    paused_until: Micros | None = None
    """It may be over."""

    def paused(self, now: Micros) -> bool:
        return self.paused_until is not None and now < self.paused_until
