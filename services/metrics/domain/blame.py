"""Which complaint somebody had before they bought no more: of several the latest, by when it was opened.

A purchase counts once for each complaint with a root cause that may be the latest before the customer counts
as gone, however long a silence that takes: with the gap to the next purchase, how many days after it the
complaint was opened, and how many the next complaint was.
"""

from bisect import bisect_right
from collections.abc import Container, Iterable, Iterator, Sequence
from typing import NamedTuple

from services.metrics.domain.causes import cause_of
from services.metrics.domain.cells import DayChange
from services.metrics.domain.churn_policy import LONGEST_BLAME, SHORTEST_QUIET
from services.metrics.domain.gaps import NEVER
from services.metrics.domain.places import escape
from services.metrics.domain.state import Complaint
from shared.schemas.times import day_of


class Cause(NamedTuple):
    """A complaint of which the root cause is known."""

    day: int
    """When it was opened."""
    cause: str


def causes(complaints: Iterable[Complaint]) -> list[Cause]:
    """Those that are known, in order; of one instant the first by name is the earlier."""
    known = ((one, cause_of(one)) for one in complaints if one.causes)
    ranked = sorted((one.steps[0].at, cause[1]) for one, cause in known if cause is not None)
    return [Cause(day_of(at), cause) for at, cause in ranked]


def counted(
    days: Sequence[int], chain: str, causes: Sequence[Cause], others: Container[int] = ()
) -> Iterator[DayChange]:
    """What purchases count as, on their sorted days: ``<chain>1:<gap>:<days after>:<the next's>:<cause>``.
    Not on the days of ``others``, who count as gone before that."""
    if not causes:
        return
    opened = [one.day for one in causes]
    for i in range(max(0, bisect_right(days, opened[0]) - 1), len(days)):
        day = days[i]
        if day in others:
            continue
        if day - opened[-1] > LONGEST_BLAME:
            break
        following = days[i + 1] if i + 1 < len(days) else None
        if following is not None and following - day <= SHORTEST_QUIET:
            continue
        gap = NEVER if following is None else str(following - day)
        at = max(0, bisect_right(opened, day) - 1)
        for j in range(at, len(causes)):
            after, following_one = opened[j] - day, opened[j + 1] - day if j + 1 < len(causes) else None
            if following is not None and opened[j] >= following:
                break
            if -after <= LONGEST_BLAME:
                then = NEVER if following_one is None else str(following_one)
                yield day, f"{chain}1:{gap}:{after}:{then}:{escape(causes[j].cause)}", 1


def latest_in(causes: Sequence[Cause], day: int, until: int) -> Cause | None:
    """The latest complaint up to ``until``, if that is not too long before ``day``."""
    at = bisect_right(causes, until, key=lambda one: one.day)
    return causes[at - 1] if at and day - causes[at - 1].day <= LONGEST_BLAME else None


def blamed_until(day: int, causes: Sequence[Cause]) -> str:
    """``c<days before>:<cause>`` of the latest complaint by that day; nothing where there is none."""
    blamed = latest_in(causes, day, day)
    return "" if blamed is None else f"c{day - blamed.day}:{escape(blamed.cause)}"
