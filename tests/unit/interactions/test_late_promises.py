"""Clocks of complaints of which facts are heard late, or ahead of their time."""

from datetime import timedelta
from itertools import permutations

import pytest

from services.interactions.config import parse
from services.interactions.domain.complaints import steps
from services.interactions.domain.complaints.promises import course_of
from shared.schemas.complaints import (
    ComplaintSlaBreached,
)
from shared.schemas.customers import CustomerUpdated
from shared.schemas.loyalty import TierChanged
from shared.schemas.times import micros

from .promised import (
    ACKNOWLEDGED,
    ID,
    OPENED,
    REOPENED,
    RESOLVED,
    TIERED,
    UPDATED,
    after,
    complaint,
    fresh,
    row,
    shown,
    tell,
    told,
)
from .told import CUSTOMER, at, event


def test_heard_late_it_is_told_at_once_with_its_own_time() -> None:
    worker = fresh()
    after(worker, 300)
    tell(worker, OPENED, 0)
    assert told(worker) == [
        ("warned", "first_response", 30),
        ("breached", "first_response", 60),
        ("escalated", "first_response", 60),
        ("escalated", "first_response", 180),
    ]


def test_a_worker_that_was_away_tells_all_when_it_is_back() -> None:
    worker = fresh()
    tell(worker, OPENED)
    worker.away(at(90))
    worker.advance(timedelta())
    assert [kind for kind, _, _ in told(worker)] == ["warned", "breached", "escalated"]


def test_a_step_heard_late_makes_the_clock_met_and_the_told_breach_stays() -> None:
    worker = fresh()
    tell(worker, OPENED)
    after(worker, 120)
    assert (shown(worker)["first_response"], row(worker)["overdue"]) == ("breached", True)
    tell(worker, ACKNOWLEDGED, 40)
    assert (shown(worker)["first_response"], row(worker)["overdue"]) == ("met", False)
    assert told(worker)[-1] == ("met", "first_response", 40)
    assert ("breached", "first_response", 60) in told(worker)
    after(worker, 200)
    assert not [one for one in told(worker) if one[0] == "escalated" and one[2] > 120], "nor is it escalated"


def test_a_step_at_the_due_time_is_too_late() -> None:
    worker = fresh()
    tell(worker, OPENED)
    tell(worker, ACKNOWLEDGED, 60)
    after(worker, 61)
    assert shown(worker)["first_response"] == "breached"
    assert ("breached", "first_response", 60) in told(worker)


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_any_order_of_arrival_tells_the_same(order: tuple[int, ...]) -> None:
    facts = [(OPENED, 0), (ACKNOWLEDGED, 10), (RESOLVED, 20), (REOPENED, 30)]
    worker = fresh()
    after(worker, 40)
    for number in order:
        tell(worker, *facts[number])
    # What was told before all was known stays, with the time that was known then; nothing is told twice.
    about = [(kind, clock) for kind, clock, _ in told(worker) if kind != "warned"]
    assert sorted(about) == [("met", "first_response"), ("met", "resolution"), ("met", "update")]
    assert shown(worker) == {
        "first_response": "met",
        "update": "running",
        "next_response": "running",
        "resolution": "running",
    }
    assert (row(worker)["next_due"], row(worker)["next_clock"]) == (micros(at(30 + 120)), "next_response")


def test_tier_and_segment_as_they_were_at_each_time() -> None:
    worker = fresh(TIERED)
    tell(worker, TierChanged.model_validate({"from": "basic", "to": "gold"}), -60)
    tell(worker, OPENED)
    assert row(worker)["next_due"] == micros(at(60))
    after(worker, 30)
    tell(worker, TierChanged.model_validate({"from": "gold", "to": "basic"}))
    assert row(worker)["next_due"] == micros(at(600)), "a policy without the tier"
    tell(worker, CustomerUpdated.model_validate({"segment": "press"}))
    assert row(worker)["next_due"] == micros(at(120))
    tell(worker, CustomerUpdated.model_validate({"segment": None}), 10)
    assert row(worker)["next_due"] == micros(at(120)), "the later word holds"
    after(worker, 45)
    tell(worker, CustomerUpdated.model_validate({"segment": None}), 40)
    assert row(worker)["next_due"] == micros(at(600))


def test_an_opening_heard_late_takes_the_tier_of_its_time() -> None:
    worker = fresh(TIERED)
    tell(worker, TierChanged.model_validate({"from": "basic", "to": "gold"}), -60)
    tell(worker, TierChanged.model_validate({"from": "gold", "to": "basic"}), 0)
    after(worker, 5)
    tell(worker, OPENED, -1)
    assert [clock.policy for clock in course_of(
        parse(TIERED), worker.state(CUSTOMER), complaint(worker), micros(at(-1))
    ).clocks] == ["gold"]  # fmt: skip
    assert row(worker)["next_due"] == micros(at(-1 + 600))


def test_a_step_of_a_clock_that_runs_ahead_stops_a_clock_when_its_time_comes() -> None:
    worker = fresh()
    tell(worker, OPENED)
    tell(worker, RESOLVED, 45)
    assert shown(worker)["first_response"] == "running"
    after(worker, 44)
    assert told(worker) == [("warned", "first_response", 30)]
    after(worker, 45)
    assert told(worker)[1:] == [("met", "first_response", 45), ("met", "resolution", 45)]


def test_a_refused_step_tells_nothing_and_what_it_kept_waiting_is_told_by_the_timer() -> None:
    worker = fresh()
    tell(worker, OPENED)
    worker.away(at(45))
    worker.send(event(REOPENED, "early", 45))
    assert worker.dead_letters[0].code == "invalid_transition"
    worker.advance(timedelta())
    assert told(worker) == [("warned", "first_response", 30)]
    worker.send(event(RESOLVED, "r", 44))
    assert shown(worker)["resolution"] == "running", "the reopening holds after all"
    assert len(set(told(worker))) == len(told(worker))


def test_clocks_told_by_others_are_in_the_history_and_change_nothing() -> None:
    worker = fresh()
    tell(worker, OPENED)
    before = complaint(worker)
    breach = {"complaint_id": ID, "clock": "update", "due_at": at(0), "policy": "p", "version": "v"}
    tell(worker, ComplaintSlaBreached.model_validate(breach), source="/elsewhere")
    assert complaint(worker) == before
    assert worker.rows("timeline")[-1]["complaint_id"] == ID


def test_updates_without_end_are_told_once_each(monkeypatch: pytest.MonkeyPatch) -> None:
    most = 40
    monkeypatch.setattr(steps, "MAX_STEPS", most)
    worker = fresh()
    tell(worker, OPENED)
    for number in range(2 * most):
        after(worker, number + 1)
        worker.send(event(UPDATED, f"u-{number}", number + 1))
    met = [one for one in told(worker) if one[:2] == ("met", "update")]
    assert len(met) == len(set(met)) == 2 * most - 1
    assert len(complaint(worker).notices) < most + 10
    assert {kind for kind, clock, _ in told(worker) if clock == "update"} == {"met"}


def test_responses_at_one_instant_are_one() -> None:
    worker = fresh()
    after(worker, 30)
    for data in (ACKNOWLEDGED, UPDATED, RESOLVED):
        tell(worker, data, 10)
    tell(worker, OPENED, 0)
    assert len(set(told(worker))) == len(told(worker))
