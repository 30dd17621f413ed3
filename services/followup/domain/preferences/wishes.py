"""How often a customer wishes to be written to, as the state keeps it."""

from typing import Literal, TypeAlias, get_args

from shared.schemas.base import Open
from shared.schemas.times import DAY, Micros

Frequency: TypeAlias = Literal["all", "weekly", "monthly"]
FREQUENCIES: tuple[Frequency, ...] = get_args(Frequency)
"""The most first."""
WISHED: frozenset[str] = frozenset({"marketing", "survey"})
"""The purposes that wishes are about; what is service comes when it must."""
PAUSE: Micros = 30 * DAY


class Wishes(Open):
    """What the preference centre was told last."""

    frequency: Frequency = "all"
    frequency_at: Micros = 0
    """When that was said; 0 where it never was, or before this was kept."""
    paused_until: Micros | None = None
    """It may be over."""
    paused_at: Micros = 0
    """When the pause was begun, or ended, by a word."""

    def paused(self, now: Micros) -> bool:
        return self.paused_until is not None and now < self.paused_until
