"""A till that sells while pods come and go, and knows what every balance must be."""

import itertools
import random
import uuid
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from threading import Event, Thread
from typing import Any

from tests.faults.platform import Platform, purchase, refund

CUSTOMERS = 60
SECONDS = 0.5
"""Between two pieces of twelve purchases."""


class Till:
    """Purchases, a tenth of them refunded and a tenth told twice. Totals stay small: all stay bronze, where a
    point is a whole euro."""

    def __init__(self, platform: Platform, seed: int = 15) -> None:
        self.expected: dict[str, int] = defaultdict(int)
        self.sent = 0
        self._platform = platform
        self._random = random.Random(seed)
        self._run = uuid.uuid4().hex[:8]
        self._numbers = itertools.count()
        self._closed = Event()
        self._trouble: Exception | None = None

    @contextmanager
    def open(self) -> Iterator[None]:
        """Sells until the block ends; the last piece is acknowledged then."""
        self._closed.clear()
        thread = Thread(target=self._sell)
        thread.start()
        try:
            yield
        finally:
            self._closed.set()
            thread.join()
        if self._trouble:
            raise self._trouble

    def sell(self, pieces: int = 1) -> None:
        for _ in range(pieces):
            piece = [event for _ in range(12) for event in self._bought()]
            self._platform.send("purchases", piece)
            self.sent += len(piece)

    def _sell(self) -> None:
        try:
            while not self._closed.wait(SECONDS):
                self.sell()
        except Exception as error:  # told by the thread that waits
            self._trouble = error

    def _bought(self) -> Iterator[dict[str, Any]]:
        number = next(self._numbers)
        customer, order = f"k{self._run}-{number % CUSTOMERS}", f"{self._run}-{number}"
        cents = self._random.randrange(100, 300)
        made = purchase(customer, order, cents, datetime.now(UTC).isoformat())
        self.expected[customer] += cents // 100
        yield made
        chance = self._random.random()
        if chance < 0.1:
            yield made
        elif chance < 0.2:
            self.expected[customer] -= cents // 100
            yield refund(customer, order, cents, datetime.now(UTC).isoformat())
