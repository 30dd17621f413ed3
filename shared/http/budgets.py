"""How often a caller may ask: so many requests within a minute, counted in this process's memory.

Each replica counts for itself: a caller of several replicas has as many budgets.
"""

import math
import time

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from shared.http.problems import ProblemError


class Budgets:
    """``per_minute`` requests for each caller, by a sliding window; 0: as many as they like."""

    def __init__(self, per_minute: int) -> None:
        self._limiter: SlidingWindowCounterRateLimiter | None = None
        if per_minute:
            self._item = RateLimitItemPerMinute(per_minute)
            self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())

    def take(self, caller: str) -> None:
        """One request of this caller. Raises 429 ``rate_limited``, which says in how many seconds there will
        be one again."""
        if self._limiter is None or self._limiter.hit(self._item, caller):
            return
        again, _ = self._limiter.get_window_stats(self._item, caller)
        # Just then the window still counts as full: a second later it does not.
        raise rate_limited(math.floor(again - time.time()) + 1)


def rate_limited(seconds: int) -> ProblemError:
    return ProblemError(
        429,
        "rate_limited",
        "This caller has asked too often. Ask again when Retry-After says.",
        headers={"Retry-After": str(max(seconds, 1))},
    )
