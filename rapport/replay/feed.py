"""The replay loop: records to a sink at a pace, the topics kept level in time."""

import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from rapport.replay.record import Record

MOST = 1_000
SPAN = timedelta(hours=6)
"""A chunk is at most so many records and so much event time. The next one is sent only when all of it is
in the log: so no topic runs ahead of another by more, and a worker on the stream clock, which takes
the earliest of what it sees, applies the year in its order."""


class Sink(Protocol):
    """Where records go. ``flush`` returns when all that was sent is safe, or raises."""

    def send(self, record: Record) -> None: ...

    def flush(self) -> None: ...


@dataclass(slots=True)
class Progress:
    """What was sent so far, and the time reached."""

    events: int = 0
    simulated: int = 0
    reached: datetime | None = None


def feed(
    records: Iterable[Record],
    sink: Sink,
    *,
    speed: float | None = None,
    report: Callable[[Progress], None] = lambda _: None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Progress:
    """Sends all records, which come in the order of ``at``, and returns the count.

    ``speed`` is seconds of event time per second; None sends as fast as the sink takes them. ``report`` is
    called at each border of a chunk with one object that changes.
    """
    done = Progress()
    began = clock()
    first: datetime | None = None
    chunk, border = 0, None
    for record in records:
        if border is None or chunk >= MOST or record.at >= border:
            sink.flush()
            report(done)
            chunk, border = 0, record.at + SPAN
        first = first or record.at
        if speed is not None:
            due = began + (record.at - first).total_seconds() / speed
            if (wait := due - clock()) > 0:
                sink.flush()
                report(done)
                sleep(wait)
        sink.send(record)
        chunk += 1
        done.events += 1
        done.simulated += record.source.startswith("/simulated/")
        done.reached = record.at
    sink.flush()
    report(done)
    return done


def parse_speed(text: str) -> float | None:
    """``max`` is None; ``60x`` or ``60`` is 60.0. Raises ValueError."""
    if text == "max":
        return None
    number = re.fullmatch(r"(\d+(?:\.\d+)?)x?", text)
    if number is None or float(number[1]) <= 0:
        raise ValueError(f"The speed must be max, or a number such as 60x, not {text!r}.")
    return float(number[1])
