"""The short way of a purchase: what it leaves is what the long one leaves."""

from collections.abc import Sequence
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from services.metrics.domain import state
from services.metrics.domain.apply import apply
from services.metrics.domain.bought import Amounts, bought
from services.metrics.domain.cells import Delta
from services.metrics.domain.merging.joined import unheard_of
from services.metrics.domain.state import Ids
from services.metrics.domain.tracked import Tracked
from shared.schemas.event import Event
from shared.schemas.loyalty import MemberEnrolled
from shared.schemas.purchases import PurchaseMade
from shared.schemas.times import DAY, Micros, micros
from tests.examples import examples

from .story import START, answered, event, opened, profile, purchase, returned, started

NOW = micros(START) + 30 * DAY
_orders = st.sampled_from(["o1", "o2", "o3", "o4", "o5", "o6"])
_purchases = st.builds(
    lambda order, amount, channel, store: purchase(order, amount, channel).model_copy(
        update={"store_id": store}
    ),
    _orders,
    st.sampled_from([0, 5, 2**42]),
    st.sampled_from(["web", "in_store"]),
    st.sampled_from([None, "s1", "s2"]),
)
_others = st.one_of(
    st.builds(returned, _orders, st.sampled_from([5, 7])),
    st.builds(answered, st.just("nps"), st.integers(0, 10), _orders),
    st.builds(profile, st.sampled_from([None, "vip", "new"])),
    st.builds(started, st.just("s"), st.just(20.0)),
    st.just(opened()),
    st.just(MemberEnrolled(tier="gold")),
)
_days = st.one_of(st.sampled_from([0.0, 0.1, 1.0]), st.floats(-900, 40))
_events = st.builds(
    lambda data, days: event(data, days=days), st.one_of(_purchases, _purchases, _others), _days
)


@settings(deadline=None, max_examples=examples(200))
@given(st.lists(_events, max_size=30), st.integers(1, 5))
def test_record_cells_and_minutes_are_those_of_the_long_way(history: Sequence[Event], every: int) -> None:
    long, short = unheard_of(), unheard_of()
    told, tail, amounts = Delta(), Delta(), Amounts()
    for n, one in enumerate(history, 1):
        now = NOW + n * DAY // 4
        known = apply(long, one, now, told, n)
        assert taken(short, one, now, tail, amounts, n) == known
        if n % every == 0:  # a write
            long.trim()
            short.trim()
            amounts.into(tail)
            assert tail == told
        assert short.data == long.data
        assert short._days == long._days
    amounts.into(tail)
    assert tail == told
    assert state.encode(short.data) == state.encode(long.data)
    told.forget_minutes()
    tail.forget_minutes()
    assert (tail.minutes, tail.since) == (told.minutes, told.since)


def taken(tracked: Tracked, one: Event, now: Micros, tail: Delta, amounts: Amounts, id: int) -> Ids:
    """As a partition takes it."""
    if isinstance(one.data, PurchaseMade) and bought(tracked, one, now, tail, amounts):
        return (id,)
    return apply(tracked, one, now, tail, id)


def test_nearly_all_purchases_go_the_short_way() -> None:
    tracked, tail, amounts = unheard_of(), Delta(), Amounts()
    for n in range(50):
        one = event(purchase(f"o{n}"), days=n / 3)
        assert bought(tracked, one, NOW, tail, amounts)
    assert not bought(tracked, event(purchase("o49")), NOW, tail, amounts), "a copy"
    late = event(purchase("late"))
    assert bought(tracked, late, micros(late.time + timedelta(days=1)), tail, amounts)


def test_what_is_too_old_to_be_corrected_counts_by_neither_way() -> None:
    tracked, tail, amounts = unheard_of(), Delta(), Amounts()
    for order, days in (("old", -900), ("new", 0)):
        assert bought(tracked, event(purchase(order), days=days), NOW, tail, amounts)
    tracked.trim()
    assert not bought(tracked, event(purchase("older"), days=-901), NOW, tail, amounts)
    assert tracked.data.orders.keys() == {"new"}
