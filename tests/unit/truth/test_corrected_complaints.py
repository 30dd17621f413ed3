"""A fact of a complaint put right under the id of a dead letter takes effect in all services, and the step
that was refused is as if it was never told."""

from datetime import timedelta
from typing import Any

from shared.journal.testing import InMemoryWorker
from shared.schemas.base import Data
from shared.schemas.complaints import (
    CompensationGranted,
    ComplaintReopened,
    ComplaintUpdated,
)
from shared.schemas.event import Event
from shared.schemas.feedback import ReferralMade, ReviewPosted

from .histories import START
from .telling import EUR, closed, dead, opened, resolved, rows, statuses_of, worlds
from .world import handlers


def test_a_step_that_did_not_follow_is_put_right() -> None:
    """Closed before it was resolved; it was an update."""
    for world in worlds(
        ("e-1", opened()),
        ("e-2", closed()),
        ("e-2", ComplaintUpdated(complaint_id="k", message=".")),
        ("e-3", resolved(), 0),  # by now it would have followed
    ):
        assert dead(world) == ["invalid_transition"]
        assert statuses_of(world) == [{"k": "resolved"}] * 3
        assert not rows(world)["e-2"].startswith("Refused")


def test_a_step_of_another_complaint_is_put_right() -> None:
    for world in worlds(
        ("e-1", opened()),
        ("e-2", opened("l")),
        ("e-3", resolved("l")),
        ("e-4", closed("k")),
        ("e-4", closed("l")),
    ):
        assert statuses_of(world) == [{"k": "opened", "l": "closed"}] * 3


def test_a_step_put_right_after_it_held_is_as_if_never_told() -> None:
    for world in worlds(
        ("e-1", opened()),
        ("e-2", ComplaintReopened(complaint_id="k", reason="."), 5),
        ("e-3", resolved(), 3),  # what it lacked
        ("e-2", closed(), 6),
    ):
        assert statuses_of(world) == [{"k": "closed"}] * 3


def test_what_a_step_is_put_right_to_may_be_a_copy_or_wrong_too() -> None:
    for right, letters in ((opened(), 1), (opened(severity="low"), 2)):
        for world in worlds(("e-1", opened()), ("e-2", closed()), ("e-2", right), ("e-3", resolved(), 0)):
            assert len(dead(world)) == letters
            assert statuses_of(world) == [{"k": "resolved"}] * 3


def test_a_replay_of_a_step_that_has_come_to_hold_leaves_it_to_be_put_right() -> None:
    again = ComplaintReopened(complaint_id="k", reason=".")
    for world in worlds(
        ("e-1", opened()), ("e-2", again, 5), ("e-3", resolved(), 3), ("e-2", again, 5), ("e-2", closed(), 6)
    ):
        assert statuses_of(world) == [{"k": "closed"}] * 3


def test_a_step_that_holds_is_not_replaced() -> None:
    for world in worlds(("e-1", opened()), ("e-2", resolved()), ("e-2", closed(), 9)):
        assert dead(world) == []
        assert statuses_of(world) == [{"k": "resolved"}] * 3


def test_a_step_that_waits_is_not_replaced() -> None:
    for world in worlds(("e-2", resolved(), 2), ("e-2", closed(), 9), ("e-1", opened(), 0)):
        assert dead(world) == []
        assert statuses_of(world) == [{"k": "resolved"}] * 3


def test_a_complaint_told_otherwise_was_another_complaint() -> None:
    for world in worlds(("e-1", opened()), ("e-2", opened(severity="low")), ("e-2", opened("l", "low"))):
        assert dead(world) == ["duplicate_complaint"]
        assert statuses_of(world) == [{"k": "opened", "l": "opened"}] * 3


def test_a_review_or_a_referral_told_otherwise_is_put_right() -> None:
    for world in worlds(
        ("e-1", ReviewPosted(sku="mug", rating=1), 0),
        ("e-2", ReviewPosted(sku="mug", rating=2), 0),
        ("e-2", ReviewPosted(sku="tea", rating=2), 0),
        ("e-3", ReferralMade(referred_customer="bob")),
    ):
        assert dead(world) == ["duplicate_review"]
        assert world.workers["interactions"].state("ann").counts["feedback"] == 3


def test_a_grant_of_another_complaint_is_put_right_and_its_points_are_given_once() -> None:
    def grant(complaint: str, **given: Any) -> CompensationGranted:
        return CompensationGranted.model_validate({"complaint_id": complaint, **given})

    first = (("e-1", opened()), ("e-2", resolved()), ("e-3", closed()), ("e-4", opened("l")))
    for world in worlds(
        *first, ("e-5", grant("k", kind="points", points=70)), ("e-5", grant("l", kind="points", points=70))
    ):
        assert sum(lot.remaining for lot in world.workers["loyalty"].state("ann").lots) == 70
    money = {"amount": 70, "currency": EUR}
    for world in worlds(
        *first, ("e-5", grant("k", kind="refund", money=money)), ("e-5", grant("l", kind="points", points=70))
    ):
        assert sum(lot.remaining for lot in world.workers["loyalty"].state("ann").lots) == 70


def test_a_step_is_refused_and_put_right_in_one_batch() -> None:
    """The journal has one entry for both, and the dead letter of the first with it."""
    told: list[tuple[str, Data]] = [("e-1", opened()), ("e-2", closed()), ("e-2", resolved())]
    events = [
        Event(id, "/shop", "ann", START + timedelta(minutes=n), data) for n, (id, data) in enumerate(told)
    ]
    worker = InMemoryWorker(handlers()[0], now=START)
    worker.send_batch(events)
    assert [letter.code for letter in worker.dead_letters] == ["invalid_transition"]
    assert worker.state("ann").complaints[0].life.status == "resolved"
