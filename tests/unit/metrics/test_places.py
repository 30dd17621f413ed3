"""Where a cell counts: by segment and channel, and by each other dimension alone."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.metrics.domain import gaps
from services.metrics.domain.buyers import customers_since
from services.metrics.domain.cells import KEPT_MINUTES, MINUTE, Delta
from services.metrics.domain.kpis.surveys import PROMOTERS
from services.metrics.domain.kpis.window import summed
from services.metrics.domain.places import (
    ANYWHERE,
    LIMITS,
    Selection,
    Where,
    places,
    renamed,
    values_of,
    where_of,
)
from services.metrics.domain.rows import unpack_tail
from services.metrics.domain.state import Customer
from services.metrics.domain.tracked import Tracked
from shared.schemas.loyalty import MemberEnrolled, TierChanged
from shared.schemas.purchases import PurchaseMade
from shared.schemas.times import DAY, micros

from .story import START, answered, event, opened, profile, purchase, returned, run

text = st.text(max_size=6)
wheres = st.builds(Where, text, text, text, text)
DAY0 = micros(START) // DAY


def sums(delta: Delta, selected: Selection) -> dict[str, int]:
    chosen, found = selected.chooses(), dict[str, int]()
    for (_, place, field), n in delta.items():
        if chosen(place):
            found[field] = found.get(field, 0) + n
    return {field: n for field, n in found.items() if n}


@given(wheres)
def test_where_is_a_name_and_back(where: Where) -> None:
    assert where_of(where.name) == where
    assert (where.name == "") is (where == ANYWHERE)


@given(text, text, wheres)
def test_each_place_says_what_it_is_of(segment: str, tier: str, where: Where) -> None:
    found = places(segment, tier, where)
    named = [one for place in found for one in values_of(place)]
    values = {"segment": segment, "tier": tier, **where._asdict()}
    assert sorted(named) == sorted((name, value) for name, value in values.items() if value)
    known = {name: frozenset({value}) for name, value in values.items()}
    assert [renamed(place, known) for place in found] == list(found)
    assert not any("." in place or "$" in place for place in found)


@given(text, text, wheres)
def test_a_selection_chooses_a_place_of_its_dimension(segment: str, tier: str, where: Where) -> None:
    found = places(segment, tier, where)
    chosen = [Selection(), Selection(segment=segment), Selection(channel=where.channel)]
    chosen += [Selection(segment, where.channel)]
    for one in chosen:
        assert [one.chooses()(place) for place in found] == [True, *(False for _ in found[1:])]
    for dimension, value in (("tier", tier), *list(where._asdict().items())[1:]):
        if value:
            choose = Selection(**{dimension: value}).chooses()
            assert [place for place in found if choose(place)] == [
                place for place in found if place.startswith(f"{dimension}:")
            ]


def test_what_is_one_too_many_counts_as_other() -> None:
    known = {name: frozenset({"a"}) for name in LIMITS}
    assert renamed("a|b", known) == "a|other"
    assert renamed("|", known) == "|"
    assert renamed("store:s1", known) == "store:other"


def test_a_member_who_moves_takes_all_along() -> None:
    story = [
        event(answered("nps", 10), days=1),
        event(opened(), days=2),
        event(purchase("a"), days=3),
        event(TierChanged(from_="bronze", to="silver"), days=4),
    ]
    _, delta = run(story)
    everything = sums(delta, Selection())
    by_channel = {field for field in everything if field.startswith(gaps.BY_CHANNEL) and field[2:3] == ":"}
    expected = {field: n for field, n in everything.items() if field not in by_channel}
    assert sums(delta, Selection(tier="silver")) == expected
    _, delta = run(
        [*story, event(TierChanged(from_="silver", to="gold"), days=5), event(profile("vip"), days=6)]
    )
    assert sums(delta, Selection(tier="silver")) == {}
    assert sums(delta, Selection(tier="gold")) == expected
    assert sums(delta, Selection(segment="vip")) == everything


def test_a_tier_is_loyaltys_word() -> None:
    joined = MemberEnrolled(tier="bronze")
    outside = event(joined, days=1)
    loyalty = msgspec.structs.replace(outside, source="/rapport/loyalty")
    assert run([outside])[0]["c1"].data.tier == ""
    assert run([loyalty])[0]["c1"].data.tier == "bronze"


def in_store(order: str, store: str) -> PurchaseMade:
    return purchase(order, channel="store").model_copy(update={"store_id": store})


def test_a_store_has_its_own_customers() -> None:
    story = [event(in_store("a", "s1"), days=1), event(in_store("b", "s2"), days=2)]
    story += [event(in_store("c", "s1"), days=3), event(returned("b", 100), days=4)]
    _, delta = run(story)
    days: dict[int, dict[str, int]] = {}
    for (day, place, field), n in delta.items():
        if place == "store:s1":
            days.setdefault(day, {})[field] = n
    assert customers_since(summed(days, DAY0, None), gaps.ANY) == (1, 1)
    assert sums(delta, Selection(store="s2")) == {}


def test_what_happened_somewhere_moves_and_ages_too() -> None:
    one, delta, where = Tracked(Customer()), Delta(), Where("email", rule="win-back")
    one.count_event(delta, 5 * DAY, {"sent": 1}, where)
    one.move("vip", "", delta)
    assert delta == {(5, "vip|email", "sent"): 1, (5, "rule:win-back", "sent"): 1}
    one.count_event(delta, 5 * DAY, {"sent": -1}, where)
    assert delta == {}
    one.data.latest = 2_000
    one.trim()
    assert one.data.elsewhere == {}


def test_minutes_count_for_two_days_and_have_no_place() -> None:
    _, delta = run([event(answered("nps", 10), days=n) for n in range(3)])
    assert delta.minutes == {}, "now is long after"
    one, delta = Tracked(Customer()), Delta()
    for minute in (0, 0, 1, KEPT_MINUTES, KEPT_MINUTES + 1):
        delta.since = max(delta.since, minute - KEPT_MINUTES)
        one.count_event(delta, minute * MINUTE, {PROMOTERS: 1})
    delta.forget_minutes()
    assert delta.minutes == {m: {PROMOTERS: 1} for m in (1, KEPT_MINUTES, KEPT_MINUTES + 1)}


@pytest.mark.parametrize("rows", [[], [(20_000, "gold|x", "we.b", "open", -2)]])
def test_a_tail_of_before_is_read(rows: list[tuple[int, str, str, str, int]]) -> None:
    expected = {(20_000, "gold%7Cx|we%2Eb", "open"): -2} if rows else {}
    assert unpack_tail(msgspec.msgpack.encode(rows)) == expected
