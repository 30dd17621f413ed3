"""A simulation says what the service says: the worker's own notices, counted."""

from datetime import datetime
from functools import partial

import pytest

from rapport.simulate.memory import Arrival
from rapport.sla.cases import Case, Recording, recorded
from rapport.sla.simulate import Compared, Held, compare, judged
from services.interactions.domain.apply import CONSUMES, apply
from services.interactions.domain.state import MAX_COMPLAINTS, Customer, initial
from shared.domain import Handler
from shared.journal.testing import InMemoryWorker
from shared.schemas.complaints import (
    ComplaintChanged,
    ComplaintClockData,
    ComplaintClosed,
    ComplaintEscalated,
)
from shared.schemas.customers import CustomerErased
from shared.schemas.times import SECOND, micros

from .recordings import START, acknowledged, at, by_chance, event, opened, policy, resolved

HOUR = 3600 * SECOND
END = at(24 * 40)


def read(arrivals: list[Arrival], until: datetime | None = END) -> Recording:
    found = recorded(sorted(arrivals, key=lambda arrival: arrival[0]), until=until)
    assert found is not None
    return found


def both(arrivals: list[Arrival], *changes: tuple[str, str], since: datetime | None = None) -> Compared:
    """``POLICY`` against itself with other words."""
    recording = read(arrivals)
    return compare(recording.cases, policy(), policy(*changes), recording.end, since=since)


def told_by_worker(arrivals: list[Arrival]) -> set[tuple[object, ...]]:
    handler = Handler(
        service="interactions",
        consumes=CONSUMES,
        state=Customer,
        initial=initial,
        apply=partial(apply, policy()),
    )
    worker = InMemoryWorker(handler, clock="stream", now=START)
    for _, one in arrivals:
        assert one is not None
        worker.send(one)
    worker.advance(END)
    told = [one for one in worker.emitted if isinstance(one.data, ComplaintClockData)]
    found = {(one.subject, *_said(one.data), micros(one.time)) for one in told}
    assert len(found) == len(told)
    return found


def _said(data: ComplaintClockData) -> tuple[object, ...]:
    if isinstance(data, ComplaintEscalated):
        return "escalated", data.complaint_id, data.clock, data.level, data.to
    kind = data.event_type.split(".")[2].removeprefix("sla_")
    return kind, data.complaint_id, data.clock, micros(data.due_at), data.policy, data.version


def told_by_simulation(cases: list[Case]) -> set[tuple[object, ...]]:
    found: set[tuple[object, ...]] = set()
    for case in cases:
        course, _ = judged(case, policy(), micros(END))
        for one in course.notices:
            kind, clock, _, level = one.key
            held = (level, one.to) if kind == "escalated" else (one.due_at, one.policy, one.version)
            found.add((case.customer_id, kind, case.complaint_id, clock, *held, one.at))
    return found


@pytest.mark.parametrize("seed", range(40))
def test_it_tells_what_the_worker_tells(seed: int) -> None:
    arrivals = by_chance(seed)
    told = told_by_simulation(read(arrivals).cases)
    assert told == told_by_worker(arrivals)
    assert told


def test_each_clock_is_counted_by_its_policy() -> None:
    compared = both(
        [
            opened(0, "x"),
            acknowledged(1.5, "x"),
            resolved(5, "x"),
            opened(1, "y", "c-2"),
            acknowledged(9, "y", "c-2"),
            opened(2, "z", "c-3", severity="low", category="price"),
        ]
    )
    result = compared.baseline
    assert (result.complaints, result.without_clocks, result.breaching) == (3, 1, 1)
    first = result.count("2020-01-01", "high", "first_response")
    assert (first.ran, first.met, first.breached, first.undecided, first.met_share) == (2, 1, 1, 0, 0.5)
    assert (first.warned, first.escalated) == (2, {1: 1, 2: 1})
    assert [first.percentile(percent) for percent in (50, 90)] == [1.5 * HOUR, 8 * HOUR]
    update = result.of_clock("update")
    assert (update.ran, update.met, update.breached) == (2, 1, 1)
    assert result.months == {(2026, 3): 3}
    assert compared.changed == ()


def test_a_clock_that_is_not_decided_by_the_end_is_neither() -> None:
    recording = read([opened(0, "x")], until=at(1.5))
    compared = compare(recording.cases, policy(), policy(), recording.end)
    count = compared.baseline.of_clock("resolution")
    assert (count.ran, count.undecided, count.met_share, count.percentile(50)) == (1, 1, None, None)
    assert compared.baseline.of_clock("first_response").warned == 1


def test_complaints_that_end_otherwise_are_named_in_their_order() -> None:
    arrivals = [
        *(opened(2, "y", "c-2"), acknowledged(3, "y", "c-2"), resolved(4, "y", "c-2")),
        *(opened(0, "x"), acknowledged(1.5, "x"), resolved(2, "x")),
        *(opened(1, "z"), acknowledged(1.5, "z"), resolved(2, "z")),
    ]
    compared = both(arrivals, ("first_response: 2h", "first_response: 1h"))
    assert [(one.case.complaint_id, one.baseline, one.draft) for one in compared.changed] == [
        ("x", (), ("first_response",)),
        ("y", (), ("first_response",)),
    ]
    assert (compared.baseline.breaching, compared.draft.breaching) == (0, 2)
    later = both(arrivals, ("first_response: 2h", "first_response: 1h"), since=at(1))
    assert later.baseline.complaints == 2
    assert [one.case.complaint_id for one in later.changed] == ["y"]


def test_a_policy_that_lacks_a_clock_told_of_before_counts_it_where_it_was_told() -> None:
    arrivals = [opened(0, "x"), event(1.5, ComplaintChanged(complaint_id="x", severity="low"))]
    result = both(arrivals, ("calendar: office, first_response: 4h,", "calendar: office,")).draft
    count = result.count("2020-01-01", "high", "first_response")
    assert (count.ran, count.warned) == (0, 1)
    assert Held("2020-01-01", "rest", "first_response") not in result.counts


def test_an_erased_customers_clocks_end_with_them() -> None:
    arrivals = [opened(0, "x"), event(1, CustomerErased()), opened(2, "y", "c-2")]
    recording = read(arrivals)
    assert [(case.complaint_id, case.ended_at) for case in recording.cases] == [
        ("x", micros(at(1))),
        ("y", None),
    ]
    result = compare(recording.cases, policy(), policy(), END).baseline
    assert result.of_clock("first_response").breached == 1


def test_complaints_that_the_state_has_forgotten_are_counted() -> None:
    arrivals: list[Arrival] = []
    for number in range(MAX_COMPLAINTS + 2):
        name = f"x-{number}"
        arrivals += [opened(number, name), resolved(number + 0.5, name)]
        arrivals.append(event(number + 0.6, ComplaintClosed(complaint_id=name)))
    result = compare(read(arrivals).cases, policy(), policy(), END).baseline
    assert (result.complaints, result.of_clock("resolution").met) == (MAX_COMPLAINTS + 2, MAX_COMPLAINTS + 2)


def test_what_does_not_follow_counts_for_nothing_and_is_said() -> None:
    recording = read([acknowledged(0, "x"), opened(1, "x"), event(2, ComplaintClosed(complaint_id="x"))])
    assert recording.refused == 1
    assert len(recording.cases) == 1


def test_an_empty_recording_is_none() -> None:
    assert recorded([]) is None
    assert recorded([opened(5)], until=at(1)) is None
