"""A complaint's times, and what it counts as.

Times are kept as a set in time's order, not as a status, so that facts which arrive in another order,
or late, end in the same counts.
"""

from bisect import insort
from collections.abc import Iterator
from datetime import datetime

import msgspec

from services.metrics.domain.histogram import bucket
from shared.schemas.complaints import (
    ComplaintAcknowledged,
    ComplaintClosed,
    ComplaintOpened,
    ComplaintReopened,
    ComplaintResolved,
    ComplaintsData,
    ComplaintUpdated,
)
from shared.schemas.times import Micros, day_of, micros

OPEN, FIRST_RESPONSE, RESOLUTION = "open", "first", "resolution"
RESOLVED, CLOSED, REOPENED = 0, 1, 2

Change = tuple[int, str, int]
"""Day, field, signed count."""

_MARKS: dict[type[ComplaintsData], int] = {
    ComplaintResolved: RESOLVED,
    ComplaintClosed: CLOSED,
    ComplaintReopened: REOPENED,
}
_RESPONSES = (ComplaintAcknowledged, ComplaintUpdated, ComplaintResolved)


class Complaint(msgspec.Struct, array_like=True):
    """What is known of a complaint."""

    opened: Micros | None = None
    channel: str = ""
    responded: Micros | None = None
    marks: list[tuple[Micros, int]] = []
    """(time, RESOLVED, CLOSED or REOPENED), sorted."""

    @property
    def latest(self) -> int:
        """The latest time it knows."""
        last_mark = self.marks[-1][0] if self.marks else 0
        return max(self.opened or 0, self.responded or 0, last_mark)


def note(complaint: Complaint, data: ComplaintsData, time: datetime) -> None:
    """Take in one fact, in place. Facts that do not matter to a KPI change nothing."""
    at = micros(time)
    if isinstance(data, ComplaintOpened):
        if complaint.opened is None or (at, data.channel) < (complaint.opened, complaint.channel):
            complaint.opened, complaint.channel = at, data.channel
        return
    if isinstance(data, _RESPONSES):
        complaint.responded = at if complaint.responded is None else min(at, complaint.responded)
    mark = _MARKS.get(type(data))
    if mark is not None:
        insort(complaint.marks, (at, mark))


def is_open(complaint: Complaint) -> bool:
    """Whether it is open after all its facts."""
    return sum(n for _, field, n in counted(complaint) if field == OPEN) == 1


def counted(complaint: Complaint) -> Iterator[Change]:
    """What a complaint counts as, on which days; nothing until its opening is known.

    First response: the first acknowledgement, update or resolution. Resolution: from the opening to
    the resolution that holds; a reopening takes back the one before, the clock goes on.
    """
    opened = complaint.opened
    if opened is None:
        return
    yield day_of(opened), OPEN, 1
    open_now, resolved = True, None
    for time, kind in complaint.marks:
        # A clock that runs behind must not make a complaint end before it began.
        at = max(time, opened)
        if kind == REOPENED:
            resolved = None
            if not open_now:
                yield day_of(at), OPEN, 1
            open_now = True
            continue
        if kind == RESOLVED and resolved is None:
            resolved = at
        if open_now:
            yield day_of(at), OPEN, -1
        open_now = False
    if complaint.responded is not None:
        responded = max(complaint.responded, opened)
        yield day_of(responded), f"{FIRST_RESPONSE}:{bucket(responded - opened)}", 1
    if resolved is not None:
        yield day_of(resolved), f"{RESOLUTION}:{bucket(resolved - opened)}", 1
