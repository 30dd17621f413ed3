"""A circuit breaker: after so many failures in a row nothing is tried for a while, then one message alone; if
that goes well all go, else the next pause is longer. Pure but for the clock that it is given."""

import time
from collections.abc import Callable

FIRST_PAUSE, LONGEST_PAUSE = 15.0, 600.0
"""Seconds. A worker that starts tries at once."""


class Breaker:
    """Of one service, as one worker sees it."""

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        """``most``: so many failures in a row open it."""
        self._most = most
        self._clock = clock
        self._failures = 0
        self._pause = FIRST_PAUSE
        self._until = 0.0

    @property
    def seconds_left(self) -> float:
        """How long nothing is to be tried; 0 where something may be."""
        return max(self._until - self._clock(), 0.0) if self.tripped else 0.0

    @property
    def tripped(self) -> bool:
        """Whether one at most is to be tried, for it has not gone well since it opened."""
        return self._failures >= self._most

    def worked(self) -> None:
        """The service has done what it should, or refused one message for what that is."""
        self._failures, self._pause = 0, FIRST_PAUSE

    def failed(self) -> None:
        """What was under way when it opened does not make the pause longer."""
        trying = self.tripped
        if self.seconds_left:
            return
        self._failures += 1
        if self.tripped:
            self._pause = min(2 * self._pause, LONGEST_PAUSE) if trying else FIRST_PAUSE
            self._until = self._clock() + self._pause
