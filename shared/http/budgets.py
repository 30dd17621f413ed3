"""How often a caller may ask: a budget of requests that fills again over a minute, in this process's memory.

Each replica has its own: a caller of several replicas has as many budgets. A token bucket: what is left of it
is reckoned when it is asked for, so that nothing runs beside the requests.
"""

import math
import time
from collections import OrderedDict
from collections.abc import Callable

from shared.http.problems import ProblemError

MINUTE = 60.0
MOST_CALLERS = 10_000
"""Whose budgets are remembered; who asked longest ago is forgotten first, and has a full one again."""


class Budgets:
    """``per_minute`` requests for each caller; 0: as many as they like."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._full = float(per_minute)
        self._clock = clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, caller: str) -> None:
        """One request of this caller. Raises 429 ``rate_limited``, which says in how many seconds there will
        be one again."""
        if not self._full:
            return
        now = self._clock()
        left, at = self._left.pop(caller, (self._full, now))
        left = min(self._full, left + (now - at) * self._full / MINUTE)
        allowed = left >= 1
        self._left[caller] = (left - 1 if allowed else left, now)
        if len(self._left) > MOST_CALLERS:
            self._left.popitem(last=False)
        if not allowed:
            raise rate_limited(math.ceil((1 - left) * MINUTE / self._full))


def rate_limited(seconds: int) -> ProblemError:
    return ProblemError(
        429,
        "rate_limited",
        "This caller has asked too often. Ask again when Retry-After says.",
        headers={"Retry-After": str(max(seconds, 1))},
    )
