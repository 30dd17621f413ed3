"""How the used time of a clock comes about, window by window."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from services.interactions.domain.sla.course import Clock
from services.interactions.domain.sla.open_time import OpenTime
from services.interactions.domain.sla.policy import Sla
from shared.schemas.times import Micros

RowKind: TypeAlias = Literal["carried", "open", "paused"]


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the sum."""

    kind: RowKind
    """``carried``: of the runs before; ``open``: a window that counts; ``paused``: waiting, or solved."""
    begin: Micros
    end: Micros
    counted: Micros
    """Open time."""
    total: Micros
    """With all lines before; in the last line it is the clock's ``used``."""


def explained(clock: Clock, sla: Sla) -> tuple[Row, ...]:
    """The sum, by time. Hours in which the calendar is closed have no line."""
    _, calendar = sla.policy(clock.version, clock.policy)
    open_time = calendar.open_time
    rows: list[Row] = []
    total = clock.used - sum(open_time.between(*stretch) for stretch in clock.stretches)
    if total:
        rows.append(Row("carried", clock.start, clock.start, total, total))
    for kind, begin, end in _parts(clock, open_time):
        counted = end - begin if kind == "open" else 0
        total += counted
        rows.append(Row(kind, begin, end, counted, total))
    return tuple(rows)


def _parts(clock: Clock, open_time: OpenTime) -> Iterator[tuple[RowKind, Micros, Micros]]:
    last: Micros | None = None
    for begin, end in clock.stretches:
        if last is not None and last < begin:
            yield "paused", last, begin
        for opens, closes in open_time.windows(begin, end):
            yield "open", opens, closes
        last = end
