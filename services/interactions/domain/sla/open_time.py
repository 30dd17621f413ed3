"""Open time: how much of it lies between two instants, and when so much of it is used up.

Exact to the microsecond. A calendar's windows become instants by blocks of days, which are kept, so no
question steps through hours or minutes.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from datetime import date
from itertools import accumulate
from typing import NamedTuple, Protocol
from zoneinfo import ZoneInfo

from services.interactions.domain.sla.fields import Window
from services.interactions.domain.sla.zones import instant_of
from shared.schemas.times import Micros, date_of, day_number, day_of

BLOCK_DAYS = 32
END = day_number(date(9999, 12, 25))
"""The first day without windows: near the end of the calendar there are no local times."""
HORIZON_BLOCKS = 50 * 366 // BLOCK_DAYS


class NeverOpenError(Exception):
    """A calendar does not have so much open time in fifty years."""


class OpenTime(Protocol):
    """Which instants count. All windows are half-open."""

    def between(self, start: Micros, end: Micros) -> Micros:
        """The open time in [start, end)."""

    def used_up(self, start: Micros, duration: Micros) -> Micros:
        """The first instant at which ``duration`` of open time has passed since ``start``; ``start`` itself
        for 0. Raises ``NeverOpenError``."""

    def goes_on(self, start: Micros, duration: Micros) -> Micros:
        """The instant from which the open time after the first ``duration`` goes on: where ``used_up`` is the
        end of a window, the begin of the next one. Raises ``NeverOpenError``."""

    def windows(self, start: Micros, end: Micros) -> Iterator[tuple[Micros, Micros]]:
        """The open windows in [start, end), cut to it, in order."""


class Always:
    """All time is open."""

    def between(self, start: Micros, end: Micros) -> Micros:
        return max(end - start, 0)

    def used_up(self, start: Micros, duration: Micros) -> Micros:
        return start + duration

    goes_on = used_up

    def windows(self, start: Micros, end: Micros) -> Iterator[tuple[Micros, Micros]]:
        if start < end:
            yield start, end


ALWAYS = Always()


class _Block(NamedTuple):
    """The windows that begin in ``BLOCK_DAYS`` days, in order; not those that a change of clocks emptied."""

    starts: list[Micros]
    ends: list[Micros]
    sums: list[Micros]
    """The open time before each window, and at last that of all."""

    def before(self, at: Micros) -> Micros:
        """The open time of the block before ``at``."""
        place = bisect_right(self.starts, at) - 1
        return 0 if place < 0 else self.sums[place] + min(at, self.ends[place]) - self.starts[place]


class WindowTime:
    """The open time of a calendar with hours, in its zone."""

    def __init__(self, zone: ZoneInfo, windows_on: Callable[[date], tuple[Window, ...]]) -> None:
        """``windows_on``: the windows that begin on a day, not overlapping with those of the day before."""
        self._zone = zone
        self._windows_on = windows_on
        self._blocks: dict[int, _Block] = {}

    def between(self, start: Micros, end: Micros) -> Micros:
        if end <= start:
            return 0
        blocks = map(self._block, _blocks(start, end))
        return sum(block.before(end) - block.before(start) for block in blocks)

    def used_up(self, start: Micros, duration: Micros) -> Micros:
        return self._passed(start, duration, bisect_left) if duration > 0 else start

    def goes_on(self, start: Micros, duration: Micros) -> Micros:
        return self._passed(start, duration, bisect_right)

    def _passed(
        self, start: Micros, duration: Micros, bisect: Callable[[list[Micros], Micros], int]
    ) -> Micros:
        first = _first_block(start)
        for number in range(first, first + HORIZON_BLOCKS):
            block = self._block(number)
            wanted = block.before(start) + duration
            # The place of the first sum that reaches it (bisect_left), or goes beyond it (bisect_right).
            place = bisect(block.sums, wanted) - 1
            if place < len(block.starts):
                return block.starts[place] + wanted - block.sums[place]
            duration = wanted - block.sums[-1]
        raise NeverOpenError

    def windows(self, start: Micros, end: Micros) -> Iterator[tuple[Micros, Micros]]:
        for number in _blocks(start, end):
            block = self._block(number)
            for opens, closes in zip(block.starts, block.ends, strict=True):
                if opens < end and closes > start:
                    yield max(opens, start), min(closes, end)

    def _block(self, number: int) -> _Block:
        block = self._blocks.get(number)
        if block is None:
            block = self._blocks[number] = self._made(number)
        return block

    def _made(self, number: int) -> _Block:
        starts, ends = [], []
        first = number * BLOCK_DAYS
        for day in map(date_of, range(first, min(first + BLOCK_DAYS, END))):
            for window in self._windows_on(day):
                opens = instant_of(self._zone, day, window.begin)
                closes = instant_of(self._zone, day, window.end)
                if opens < closes:
                    starts.append(opens)
                    ends.append(closes)
        spans = (closes - opens for opens, closes in zip(starts, ends, strict=True))
        return _Block(starts, ends, list(accumulate(spans, initial=0)))


def _blocks(start: Micros, end: Micros) -> range:
    """Those of a span, but not of more than the horizon: a promise may be for the year 9999."""
    first = _first_block(start)
    return range(first, min(_last_block(end), first + HORIZON_BLOCKS) + 1)


def _first_block(at: Micros) -> int:
    """No window of an earlier block ends after ``at``: a window ends at most two days after its day begins,
    and no zone's day is a whole day off from UTC's."""
    return (day_of(at) - 3) // BLOCK_DAYS


def _last_block(at: Micros) -> int:
    """No window of a later block begins before ``at``."""
    return (day_of(at) + 1) // BLOCK_DAYS
