"""What several ids come to together: the record of one customer, as if all had been told of one."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

from msgspec.structs import replace

from services.metrics.domain import cohorts
from services.metrics.domain.gaps import earliest
from services.metrics.domain.looked import Looked
from services.metrics.domain.merging.heard import settle_answers, settle_messages, settle_reviews
from services.metrics.domain.merging.things import (
    complaint_of,
    message_of,
    order_of,
    steps_of,
    talk_of,
    trial_of,
)
from services.metrics.domain.orders import forgotten
from services.metrics.domain.outreach import has_bought
from services.metrics.domain.places import WHOLE
from services.metrics.domain.state import Customer
from services.metrics.domain.turns import where_of_talk

K = TypeVar("K")
V = TypeVar("V")


def part_of(record: Customer) -> Customer:
    """What a record knows by itself: without what is told of the customer, which follows from it."""
    segment = "" if record.placed else record.segment
    return replace(record, segment=segment, placed=False, looked=Looked(), given_up={}, merging=None)


def joined(parts: Mapping[str, Customer], own: str, told: Customer) -> Customer:
    """The record of these ids together. ``own``: the one under which they go on; ``told``: the record that
    was before, for what is told of them together (segment by health, health, who was given up)."""
    order = [own, *sorted(name for name in parts if name != own)]
    all_of = [parts[name] for name in order if name in parts]
    if len(all_of) < 2:
        return _as_told(replace(all_of[0]) if all_of else Customer(by_days=True, months={}), told)
    record = Customer(
        orders=_things(all_of, lambda one: one.orders, order_of),
        complaints=_things(all_of, lambda one: one.complaints, complaint_of),
        talks=_things(all_of, lambda one: one.talks, talk_of),
        messages=_things(all_of, lambda one: one.messages, message_of),
        trials=_things(all_of, lambda one: one.trials, trial_of),
        subscriptions=_things(all_of, lambda one: one.subscriptions, steps_of),
        counts=_sums(one.counts for one in all_of),
        elsewhere={
            where: _sums(one.elsewhere.get(where, {}) for one in all_of)
            for where in dict.fromkeys(where for one in all_of for where in one.elsewhere)
        },
        latest=max(one.latest for one in all_of),
        since=min(one.since for one in all_of),
        floor=max(one.floor for one in all_of),
        names=b"".join(one.names for one in all_of),
        waiting={id: name for one in all_of for id, name in one.waiting.items()},
        merges=[*dict.fromkeys(merge for one in all_of for merge in one.merges)],
        begun=any(one.begun for one in all_of),
        days_before=sum(one.days_before for one in all_of),
        tier=next((one.tier for one in all_of if one.tier), "") if own not in parts else parts[own].tier,
        by_days=True,
    )
    record.orders = {
        name: one
        for name, one in record.orders.items()
        if not (record.names and one.made is not None and forgotten(record.names, name))
    }
    _name_segment(record, all_of)
    _keep_past(record, all_of)
    _settle(record, all_of)
    return _as_told(record, told)


def _as_told(record: Customer, told: Customer) -> Customer:
    """With what is told of them together."""
    record.looked, record.given_up, record.merging = told.looked, told.given_up, told.merging
    if not record.segment:
        record.segment, record.placed = told.looked.segment, bool(told.looked.segment)
    return record


def _things(
    all_of: Sequence[Customer],
    things: Callable[[Customer], Mapping[K, V]],
    one_of: Callable[[Sequence[V]], V],
) -> dict[K, V]:
    """Those of all; of one that several know, what that comes to."""
    found: dict[K, list[V]] = {}
    for record in all_of:
        for name, thing in things(record).items():
            found.setdefault(name, []).append(thing)
    return {name: told[0] if len(told) == 1 else one_of(told) for name, told in found.items()}


def _sums(counts: Iterable[Mapping[int, Mapping[str, int]]]) -> dict[int, dict[str, int]]:
    found: dict[int, dict[str, int]] = {}
    for one in counts:
        for day, fields in one.items():
            there = found.setdefault(day, {})
            for name, n in fields.items():
                there[name] = there.get(name, 0) + n
    return found


def _name_segment(record: Customer, all_of: Sequence[Customer]) -> None:
    """The latest profile by event time that names one, or null, holds; at a draw the survivor's."""
    told = [one for one in all_of if one.segment_at is not None]
    if told:
        latest = max(told, key=lambda one: one.segment_at or 0)
        record.segment, record.segment_at = latest.segment, latest.segment_at


def _keep_past(record: Customer, all_of: Sequence[Customer]) -> None:
    """Of purchases that are no longer kept the days next to others, the first, and how many in each month."""
    for chain in dict.fromkeys(chain for one in all_of for chain in one.past):
        record.past[chain] = sorted({day for one in all_of for day in one.past.get(chain, ())})
    for one in all_of:
        for chain, day in one.firsts.items():
            record.firsts[chain] = earliest(record.firsts.get(chain), day) or day
    months: Counter[int] = Counter()
    for one in all_of:
        months.update(one.months if one.months is not None else _months(one, past=True))
        months.subtract(_months(one))
    months.update(_months(record))
    record.months = {month: n for month, n in months.items() if n > 0}


def _months(record: Customer, *, past: bool = False) -> Counter[int]:
    """Of the orders that are kept how many count in each month; ``past``: and of those next to them."""
    days = [day for order in record.orders.values() if (day := order.day) is not None]
    return Counter(map(cohorts.month_of, [*days, *(record.past.get(WHOLE, ()) if past else ())]))


def _settle(record: Customer, all_of: Sequence[Customer]) -> None:
    """What goes by more than one thing."""
    for name, complaint in record.complaints.items():
        team = where_of_talk(record, complaint.conversation).team if complaint.conversation else ""
        if team and team != complaint.team:
            record.complaints[name] = replace(complaint, team=team)
    for rule, trial in record.trials.items():
        gone = any(
            one.trials[rule].bought and not has_bought(one, one.trials[rule].start)
            for one in all_of
            if rule in one.trials and one.trials[rule].start == trial.start
        )
        bought = gone or has_bought(record, trial.start)
        if bought != trial.bought:
            record.trials[rule] = replace(trial, bought=bought)
    settle_messages(record, all_of)
    settle_answers(record, all_of)
    settle_reviews(record, all_of)
