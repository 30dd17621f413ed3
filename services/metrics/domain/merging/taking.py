"""What a merge does to the two records, and an un-merge: each changes the aggregates once, where what was handed
over arrives, by what is different."""

from collections.abc import Collection

from services.metrics.domain.cells import Delta
from services.metrics.domain.merging.handing import Handed, as_one, handed
from services.metrics.domain.merging.joined import Joined, count, parted
from services.metrics.domain.parts import Edge, Merging
from services.metrics.domain.state import Customer
from services.metrics.domain.tracked import Tracked


def left(name: str, tracked: Tracked, delta: Delta) -> Handed:
    """All that a record has: it goes, and still counts as it does, until it is taken in elsewhere."""
    settled(tracked, delta)
    tracked.trim()
    record = tracked.data
    absorbed = [] if record.merging is None else [*record.merging.absorbed]
    return handed(name, record, {**parted(name, tracked).parts}, absorbed)


def taken_in(name: str, tracked: Tracked, told: Handed, delta: Delta) -> Tracked:
    """The record with what came; which may be another object."""
    settled(tracked, delta)
    count(delta, tracked.counted(), -1)
    count(delta, told.record.counted(), -1)
    whole = parted(name, tracked)
    for id, record in told.records.items():
        known = whole.parts.get(id)
        whole.parts[id] = Tracked(record if known is None else as_one(known.data, record))
    merging = _merging(whole)
    came = [one for one in told.absorbed if one.customer != name]
    merging.absorbed = [*dict.fromkeys([*merging.absorbed, *came])]
    return _alone_or(whole, delta)


def given_back(name: str, tracked: Tracked, ids: Collection[str], delta: Delta) -> tuple[Tracked, Handed]:
    """The record without the parts of these ids, the first of which they go back to; and these."""
    settled(tracked, delta)
    count(delta, tracked.counted(), -1)
    whole = parted(name, tracked)
    own, *_ = ids
    parts = {id: whole.parts.pop(id) for id in ids if id in whole.parts}
    merging = _merging(whole)
    back = [one for one in merging.absorbed if one.customer in ids and one.customer != own]
    merging.absorbed = [one for one in merging.absorbed if one.customer not in ids]
    told = handed(own, Customer(), parts, back)
    count(delta, told.record.counted(), 1)
    return _alone_or(whole, delta), told


def settled(tracked: Tracked, delta: Delta) -> None:
    """Count all that is to be counted, as of a record that an earlier version wrote."""
    if isinstance(tracked, Joined):
        tracked.settle(delta)
    if not tracked.data.by_days:
        tracked.recount(delta)
    tracked.begin(delta)


def _alone_or(whole: Joined, delta: Delta) -> Tracked:
    """Counted anew. Who is alone again has no parts."""
    whole.renew()
    count(delta, whole.counted(), 1)
    merging = _merging(whole)
    if merging.absorbed or merging.pending or merging.moved is not None or [*whole.parts] != [whole.own]:
        return whole
    whole.data.merging = None
    return Tracked(whole.data)


def _merging(whole: Joined) -> Merging:
    assert whole.data.merging is not None
    return whole.data.merging


def by_way_of(absorbed: Collection[Edge], customer: str) -> list[str]:
    """The customer and all who came with them."""
    found = [customer]
    for id in found:
        found += [one.customer for one in absorbed if one.into == id and one.customer not in found]
    return found
