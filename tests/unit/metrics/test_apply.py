"""What events count as, and that neither order nor restarts change it."""

import random
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.metrics.domain import state
from services.metrics.domain.apply import apply
from services.metrics.domain.cells import Delta
from services.metrics.domain.tracked import Tracked
from services.metrics.domain.trimming import KEEP_DAYS, KEEP_ORDERS
from shared.schemas.complaints import (
    ComplaintAcknowledged,
    ComplaintChanged,
    ComplaintClosed,
    ComplaintReopened,
    ComplaintResolved,
    ComplaintResumed,
    ComplaintWaiting,
)
from shared.schemas.event import Event
from shared.schemas.feedback import SurveyAnswered
from shared.schemas.loyalty import PointsEarned, PointsRedeemed, PointsRestored, PointsReversed
from shared.schemas.times import day_number
from tests.examples import examples

from .story import (
    FAR,
    START,
    counted,
    entry,
    event,
    histories,
    opened,
    profile,
    purchase,
    returned,
    run,
    told_again,
    value,
)

DAY0 = day_number(START.date())
HOUR = 1 / 24


@settings(deadline=None, max_examples=examples(50))
@given(histories(), st.randoms(use_true_random=False))
def test_order_does_not_matter(history: Sequence[Event], order: random.Random) -> None:
    customers, delta = run(history)
    again, delta_again = run(told_again(history, order))
    assert delta_again == delta
    assert counted(again.values()) == counted(customers.values())


@settings(deadline=None, max_examples=examples(50))
@given(histories())
def test_the_aggregates_are_what_the_records_count_as(history: Sequence[Event]) -> None:
    customers, delta = run(history)
    assert delta == counted(customers.values())


@settings(deadline=None, max_examples=examples(50))
@given(histories())
def test_records_survive_storage(history: Sequence[Event]) -> None:
    customers, delta = run(history)
    reloaded = [Tracked(state.decode(state.encode(t.data))) for t in customers.values()]
    assert counted(reloaded) == delta


def test_repeat_purchases_by_channel() -> None:
    _, delta = run(
        [
            event(purchase("a", channel="web"), days=1),
            event(purchase("b", channel="store"), days=2),
            event(purchase("c", channel="web"), days=3, subject="c2"),
            event(purchase("d", channel="web"), days=4, subject="c2"),
        ]
    )
    assert value(delta, "repeat_purchase_rate") == 1.0
    assert value(delta, "repeat_purchase_rate", channel="web") == 0.5
    assert value(delta, "repeat_purchase_rate", channel="store") == 0.0


def test_two_orders_of_a_day_are_no_repeat_purchase() -> None:
    _, delta = run([event(purchase("a"), days=3), event(purchase("b"), days=3)])
    assert value(delta, "repeat_purchase_rate") == 0.0


@pytest.mark.parametrize(("refund", "rate"), [(99, 1.0), (100, 0.0)])
def test_an_order_paid_back_in_full_does_not_count(refund: int, rate: float) -> None:
    _, delta = run(
        [
            event(returned("b", refund), days=4),
            event(purchase("a"), days=1),
            event(purchase("b", 100), days=2),
        ]
    )
    assert value(delta, "repeat_purchase_rate") == rate


def test_an_order_sent_twice_under_two_ids_is_one() -> None:
    _, delta = run([event(purchase("a"), days=1), event(purchase("a"), days=2)])
    assert value(delta, "repeat_purchase_rate") == 0.0


def test_response_and_resolution_times() -> None:
    _, delta = run(
        [
            event(opened(), days=0),
            event(ComplaintAcknowledged(complaint_id="k1", message="."), days=HOUR),
            event(ComplaintResolved(complaint_id="k1", resolution="."), days=1),
        ]
    )
    assert value(delta, "first_response_s") == {
        "p50": pytest.approx(3600, rel=0.02),
        "p90": pytest.approx(3600, rel=0.02),
        "p99": pytest.approx(3600, rel=0.02),
    }
    assert value(delta, "resolution_s", channel="email") == {
        "p50": pytest.approx(86_400, rel=0.02),
        "p90": pytest.approx(86_400, rel=0.02),
        "p99": pytest.approx(86_400, rel=0.02),
    }
    assert value(delta, "open_complaints") == 0


def test_what_the_customer_does_not_hear_of_is_no_response() -> None:
    story = [
        event(opened(), days=0),
        event(ComplaintChanged(complaint_id="k1", severity="critical"), days=HOUR),
        event(ComplaintWaiting(complaint_id="k1", reason="a photo"), days=2 * HOUR),
        event(ComplaintResumed(complaint_id="k1"), days=3 * HOUR),
    ]
    _, delta = run(story)
    assert value(delta, "first_response_s") == {"p50": None, "p90": None, "p99": None}
    _, delta = run([*story, event(ComplaintAcknowledged(complaint_id="k1"), days=4 * HOUR)])
    assert value(delta, "first_response_s")["p50"] == pytest.approx(4 * 3600, rel=0.02)


def test_a_reopening_takes_the_resolution_back_and_what_was_resolved_does_not_count() -> None:
    story = [
        event(opened(), days=0),
        event(ComplaintResolved(complaint_id="k1", resolution="."), days=1),
        event(ComplaintClosed(complaint_id="k1"), days=2),
        event(ComplaintReopened(complaint_id="k1", reason="."), days=3),
    ]
    _, delta = run(story)
    assert value(delta, "resolution_s") == {"p50": None, "p90": None, "p99": None}
    assert value(delta, "open_complaints") == 1
    assert delta[DAY0 + 1, "|email", "open"] == -1
    assert delta[DAY0 + 3, "|email", "open"] == 1
    _, delta = run([*story, event(ComplaintResolved(complaint_id="k1", resolution="."), days=10)])
    assert value(delta, "resolution_s") == {
        "p50": pytest.approx(8 * 86_400, rel=0.02),
        "p90": pytest.approx(8 * 86_400, rel=0.02),
        "p99": pytest.approx(8 * 86_400, rel=0.02),
    }
    assert value(delta, "open_complaints") == 0


def test_facts_before_the_opening_wait_for_it() -> None:
    resolved = event(ComplaintResolved(complaint_id="k1", resolution="."), days=1)
    _, delta = run([resolved])
    assert delta == {}
    _, delta = run([resolved, event(opened(), days=0)])
    assert value(delta, "open_complaints") == 0


def test_a_segment_takes_all_along() -> None:
    story = [
        event(SurveyAnswered(survey="nps", score=10), days=1),
        event(opened(), days=1),
        event(purchase("a"), days=1),
        event(profile("gold"), days=5),
    ]
    _, delta = run(story)
    assert {place.partition("|")[0] for _, place, _ in delta} == {"gold"}
    _, delta = run([*story, event(profile(None, update=True), days=6), event(profile("old"), days=4)])
    assert {place.partition("|")[0] for _, place, _ in delta} == {""}


def test_redemption_rate_is_net_of_reversals_and_restorals() -> None:
    _, delta = run(
        [
            event(entry(PointsEarned, 500)),
            event(entry(PointsReversed, -100)),
            event(entry(PointsRedeemed, -300)),
            event(entry(PointsRestored, 100)),
        ]
    )
    assert value(delta, "redemption_rate") == 0.5


def test_huge_points_stay_within_64_bits() -> None:
    _, delta = run([event(entry(PointsEarned, 2**53)) for _ in range(2000)])
    assert max(delta.values()) < 2**63


def test_trimming_keeps_what_was_counted() -> None:
    story = [event(purchase(f"o{i}"), days=i) for i in range(5)]
    story += [event(opened("old")), event(ComplaintResolved(complaint_id="old", resolution="."), days=1)]
    story += [event(opened("open")), event(SurveyAnswered(survey="csat", score=5))]
    late = [event(purchase("late"), days=KEEP_DAYS + 3.5)]
    customers, delta = run([*story, *late])
    tracked = customers["c1"]
    tracked.trim()
    assert set(tracked.data.orders) == {"o3", "o4", "late"}
    assert set(tracked.data.complaints) == {"open"}
    assert tracked.data.counts == {}
    # Counted as before: trimming gives no change of cells, and later events count as if nothing were gone.
    more = [event(purchase("next"), days=KEEP_DAYS + 4), event(purchase("lost"), days=1)]
    _, whole = run([*story, *late, more[0]])
    _apply(tracked, more, delta)
    assert delta == whole


def test_a_guest_does_not_grow_without_end() -> None:
    customers, delta = run([event(purchase(f"o{i}"), days=i / 1000) for i in range(KEEP_ORDERS + 50)])
    tracked = customers["c1"]
    tracked.trim()
    assert len(tracked.data.orders) == KEEP_ORDERS
    assert value(delta, "repeat_purchase_rate") == 1.0


def _apply(tracked: Tracked, events: Sequence[Event], delta: Delta) -> None:
    for e in events:
        apply(tracked, e, FAR, delta)
