"""Orders that are kept no longer stay counted as if they were: whatever comes after them, every window has as
many customers, and as many who bought again, as if nothing had been forgotten."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.metrics.domain import cohorts, gaps, terms, trimming
from services.metrics.domain.apply import apply
from services.metrics.domain.buyers import customers_since
from services.metrics.domain.cells import Delta, add
from services.metrics.domain.kpis.window import summed
from services.metrics.domain.places import Where, crossed
from services.metrics.domain.state import Customer, Order, decode, encode
from services.metrics.domain.tracked import Tracked
from services.metrics.journal.seen import event_hash
from shared.schemas.base import Data
from shared.schemas.times import DAY
from tests.examples import examples

from .story import FAR, cancelled, event, purchase, returned, started

_ALL = "*"
Step = tuple[str, int, int]
"""What happens, to which order, on which day; ``trim`` is of no order and no day."""

steps = st.lists(
    st.tuples(
        st.sampled_from(["web", "web", "store", "return", "trim"]), st.integers(0, 9), st.integers(0, 70)
    ),
    max_size=40,
)


class Remembering(Tracked):
    """Notes in ``full`` what counts where, of all orders ever."""

    __slots__ = ("full",)
    full: dict[str, list[int]]

    def place(self, before: tuple[int | None, Where], order: Order, delta: Delta) -> None:
        super().place(before, order, delta)
        after = order.counts_at
        if before == after:
            return
        for (day, where), sign in ((before, -1), (after, 1)):
            for name in (_ALL, where.channel) if day is not None else ():
                days = self.full.setdefault(name, [])
                if sign > 0:
                    days.append(day)  # type: ignore[arg-type]
                else:
                    days.remove(day)  # type: ignore[arg-type]
                days.sort()


def told(history: Sequence[Step], *, again: bool) -> tuple[Remembering, Delta]:
    """``again``: after each trimming the record goes to the store and comes back."""
    one, delta = Remembering(Customer()), Delta()
    one.full = {}
    for what, number, day in history:
        if what == "trim":
            one.trim()
            if again:
                full, one = one.full, Remembering(decode(encode(one.data)))
                one.full = full
            continue
        data: Data = returned(f"o{number}", 100) if what == "return" else purchase(f"o{number}", 100, what)
        e = event(data, days=day + 0.5)
        apply(one, e, event_hash(e.uid), delta)
    return one, delta


def whole(one: Remembering) -> Delta:
    total = Delta()
    for name, days in one.full.items():
        chain, channel = (gaps.ANY, "") if name == _ALL else (gaps.BY_CHANNEL, name)
        for day, field, n in gaps.counted(days, chain):
            add(total, (day, crossed("", channel), field), n)
        if days:
            add(total, (days[0], crossed("", channel), gaps.first_field(chain)), 1)
    months = sorted({cohorts.month_of(day) for day in one.full.get(_ALL, ())})
    for month in months:
        add(total, (cohorts.first_day(month), "|", f"{cohorts.COHORT}{month - months[0]}"), 1)
    return total


@given(steps, st.integers(1, 3), st.sampled_from([5, 15, 800]), st.booleans())
@settings(max_examples=examples(400), deadline=None)
def test_the_gaps_are_those_of_all_orders_ever(
    history: Sequence[Step], most: int, days: int, again: bool
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trimming, "KEEP_ORDERS", most)
        patch.setattr(trimming, "KEEP_DAYS", days)
        one, delta = told(history, again=again)
    fields = (*gaps.FIELDS, *gaps.FIRST_FIELDS, cohorts.COHORT)
    assert {cell: n for cell, n in delta.items() if n and cell[2].startswith(fields)} == whole(one)


def test_what_is_kept_of_the_past_is_little(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trimming, "KEEP_ORDERS", 5)
    one, _ = told([("web", n, n) for n in range(40)] + [("trim", 0, 0)], again=False)
    assert {name: len(days) for name, days in one.data.past.items()} == {_ALL: 2, "web": 2}


def test_a_record_of_before_has_no_past() -> None:
    kept = encode(Customer(orders={"o": Order(1, 1, "web", 5, "EUR")}))
    assert decode(kept).past == {}


def test_a_customer_who_buys_once_more_after_years_is_one_customer() -> None:
    one, delta = told(
        [("web", 1, 0), ("web", 2, 1), ("web", 3, 900), ("trim", 0, 0), ("web", 4, 901)], again=True
    )
    assert "o1" not in one.data.orders
    days: dict[int, dict[str, int]] = {}
    for (day, place, field), n in delta.items():
        if place == "|" and n:
            days.setdefault(day, {})[field] = n
    assert customers_since(summed(days, min(days), None), gaps.ANY) == (1, 1)


_terms = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "c"]),
        st.integers(0, 120),
        st.one_of(st.none(), st.integers(0, 60)),
        st.booleans(),
    ),
    max_size=25,
)


@given(_terms, st.integers(1, 5), st.sampled_from([10, 40]))
@settings(max_examples=examples(200), deadline=None)
def test_runs_of_terms_are_those_of_all_terms_ever(
    rows: Sequence[tuple[str, int, int | None, bool]], steps: int, days: int
) -> None:
    whole, one, total, delta = Tracked(Customer()), Tracked(Customer()), Delta(), Delta()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(terms, "MOST_STEPS", steps)
        patch.setattr(terms, "LATE", 5 * DAY)
        patch.setattr(trimming, "KEEP_DAYS", days)
        for n, (name, day, length, trims) in enumerate(sorted(rows, key=lambda row: row[1])):
            at = day + n / 10_000  # of one instant one would be a copy of what is forgotten
            data: Data = cancelled(name) if length is None else started(name, at + length)
            e = event(data, days=at)
            apply(whole, e, FAR, total)
            apply(one, e, FAR, delta)
            if trims:
                one.trim()
                one = Tracked(decode(encode(one.data)))
    assert delta == total


@given(_terms, st.integers(1, 3))
@settings(max_examples=examples(100), deadline=None)
def test_subscriptions_that_are_kept_no_longer_apart_count_as_before(
    rows: Sequence[tuple[str, int, int | None, bool]], most: int
) -> None:
    one, delta = Tracked(Customer()), Delta()
    for name, day, length, _ in rows:
        data: Data = cancelled(name) if length is None else started(name, day + length)
        apply(one, event(data, days=day), FAR, delta)
    before = dict(one.counted())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(terms, "MOST_SUBSCRIPTIONS", most)
        one.trim()
    assert dict(one.counted()) == before
    assert len(one.data.subscriptions) <= most


def test_of_terms_long_over_little_is_kept() -> None:
    one, delta = Tracked(Customer()), Delta()
    for day in range(0, 3_000, 7):  # weekly, with a week without each time
        apply(one, event(started("s", day + 6), days=day), FAR, delta)
        apply(one, event(started("t", day + 6), days=day), FAR, delta)
        one.trim()
    assert len(encode(one.data)) < 9_000
    assert one.data.begun
