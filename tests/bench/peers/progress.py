"""When a contender saw its first and last event, and when all of it was durable: one line of JSON at the end.

Imported by interpreters that have nothing of Rapport.
"""

import json
import time
from datetime import datetime

DAY_SECONDS = 86_400


class Progress:
    def __init__(self, wanted: int) -> None:
        self._wanted = wanted
        self.events = 0
        self._first = self._last = self._durable = 0.0

    def begin(self) -> None:
        """The first event is there; called again it does nothing."""
        self._first = self._first or time.time()

    def seen(self, n: int = 1) -> bool:
        """So many more were processed; whether that is all of them."""
        self.events += n
        if self.events >= self._wanted and not self._last:
            self._last = time.time()
        return self.events >= self._wanted

    def stands(self) -> None:
        """All of it is durable."""
        self._durable = self._durable or time.time()

    def show(self, cells: int | None = None, cents: int | None = None) -> None:
        """All is durable by now. ``cells``: of customers and days; ``cents``: what they come to."""
        self.stands()
        times = {"first": self._first, "last": self._last, "durable": self._durable}
        print("\n" + json.dumps({**times, "events": self.events, "cells": cells, "cents": cents}), flush=True)


def day_of(text: str) -> int:
    """The UTC day of an RFC 3339 time."""
    return int(datetime.fromisoformat(text).timestamp()) // DAY_SECONDS
