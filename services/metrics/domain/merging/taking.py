"""What a merge does to the two records, and an un-merge: the aggregates change once, where what was handed
over arrives, by what is different."""

from collections.abc import Collection

from services.metrics.domain.cells import Delta
from services.metrics.domain.merging.handing import Going, as_one, going
from services.metrics.domain.merging.joined import Joined, count, parted
from services.metrics.domain.state import Customer
from services.metrics.domain.tracked import Tracked


def left(name: str, tracked: Tracked, delta: Delta) -> Going:
    """All that a record has: it goes, and counts as it does until it is taken in elsewhere."""
    settle(tracked, delta)
    tracked.trim()
    told = tracked.data
    return going(name, told, parted(name, tracked).parts)


def taken_in(name: str, tracked: Tracked, told: Going, delta: Delta) -> Tracked:
    """The record with what came; which may be another object."""
    settle(tracked, delta)
    count(delta, tracked.counted(), -1)
    count(delta, told.record.counted(), -1)
    whole = parted(name, tracked)
    for id, record in told.records.items():
        known = whole.parts.get(id)
        whole.parts[id] = Tracked(record if known is None else as_one(known.data, record))
    return _counted_anew(whole, delta)


def given_back(
    name: str, tracked: Tracked, own: str, ids: Collection[str], delta: Delta
) -> tuple[Tracked, Going]:
    """The record without the parts of these ids, which go back to ``own``; and these."""
    settle(tracked, delta)
    count(delta, tracked.counted(), -1)
    whole = parted(name, tracked)
    parts = {id: whole.parts.pop(id) for id in sorted(ids) if id in whole.parts}
    told = going(own, Customer(), parts)
    count(delta, told.record.counted(), 1)
    return _counted_anew(whole, delta), told


def settle(tracked: Tracked, delta: Delta) -> None:
    """Count all that is to be counted, also where an earlier version wrote the record."""
    if isinstance(tracked, Joined):
        tracked.settle(delta)
    if not tracked.data.by_days:
        tracked.recount(delta)
    tracked.begin(delta)


def _counted_anew(whole: Joined, delta: Delta) -> Tracked:
    """Who is alone again has no parts."""
    whole.renew()
    count(delta, whole.counted(), 1)
    if [*whole.parts] != [whole.own]:
        return whole
    assert whole.data.merging is not None
    whole.data.merging.parts = {}
    return Tracked(whole.data)
