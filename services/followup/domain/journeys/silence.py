"""How long a customer must be silent: a fixed time, or by their own rhythm."""

from itertools import pairwise

from services.followup.domain.rules.rule import Rule
from services.followup.domain.rules.times import cut, span
from shared.schemas.times import DAY, Micros, day_of

MOST_DAYS = 13
"""How many days with the event are kept of a customer: twelve gaps between them."""
LEAST_DAYS = 3
"""Fewer tell no rhythm."""

Days = tuple[int, ...]
"""Days with the event, counted from 1970 in UTC, the earliest first."""


def with_day(days: Days, at: Micros) -> Days:
    """With the day of one more event, in whatever order they are heard. The latest are kept."""
    return tuple(sorted({*days, day_of(at)})[-MOST_DAYS:])


def usual_gap(days: Days) -> Micros | None:
    """The median of the gaps between the days; None while too little is known."""
    if len(days) < LEAST_DAYS:
        return None
    gaps = sorted(later - earlier for earlier, later in pairwise(days))
    middle = len(gaps) // 2
    doubled = 2 * gaps[middle] if len(gaps) % 2 else gaps[middle - 1] + gaps[middle]
    return doubled * DAY // 2


def broken_at(rule: Rule, latest: Micros, days: Days) -> Micros | None:
    """When it will have been silent for long enough since the latest event; None while nobody can know."""
    silence = rule.silence
    if silence is None or silence.usual is None:
        return cut(latest) + span(rule.delay)
    gap = usual_gap(days)
    if gap is None:
        return None if silence.for_ is None else cut(latest) + span(silence.for_)
    long = int(silence.usual * gap)
    if silence.at_least is not None:
        long = max(long, span(silence.at_least))
    return cut(cut(latest) + long)
