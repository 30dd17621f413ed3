"""Retention, lifecycle, cohorts and churn from counts, against customers looked at one by one."""

import random
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from services.metrics.domain import cohorts, gaps
from services.metrics.domain.cells import Delta
from services.metrics.domain.churn import churned
from services.metrics.domain.churn_policy import ChurnPolicy
from services.metrics.domain.lifecycle import phases
from services.metrics.domain.places import ALL, Selection
from services.metrics.domain.tracked import Tracked
from shared.schemas.base import Data
from shared.schemas.complaints import ComplaintReopened, ComplaintResolved
from shared.schemas.event import Event
from shared.schemas.times import date_of, day_number
from tests.examples import examples

from .life_model import Person, churn, person
from .life_model import cohorts as cohorts_of
from .life_model import phases as phases_of
from .story import START, cancelled, event, opened, profile, purchase, returned, run, started, told_again

DAY0 = day_number(START.date())
LONG = 130
"""Days of a history."""

_ids = st.integers(0, 9)
_data: st.SearchStrategy[Data] = st.one_of(
    st.builds(lambda n, c: purchase(f"o{n}{c}", 100, c), _ids, st.sampled_from(["web", "store"])),
    st.builds(lambda n, c: returned(f"o{n}{c}", 100), _ids, st.sampled_from(["web", "store"])),
    st.builds(lambda n: opened(f"k{n}"), st.integers(0, 3)),
    st.builds(
        lambda n, cause: ComplaintResolved(complaint_id=f"k{n}", resolution=".", root_cause=cause),
        st.integers(0, 3),
        st.sampled_from(["carrier", "price", None]),
    ),
    st.builds(lambda n: ComplaintReopened(complaint_id=f"k{n}", reason="."), st.integers(0, 3)),
    st.builds(started, st.sampled_from(["s1", "s2"]), st.integers(0, LONG + 20)),
    st.builds(
        cancelled,
        st.sampled_from(["s1", "s2"]),
        st.one_of(st.none(), st.integers(0, LONG)),
        st.sampled_from([None, "too expensive", "Card_Expired"]),
    ),
    st.builds(profile, st.sampled_from([None, "gold"]), update=st.booleans()),
)


@st.composite
def _lives(draw: st.DrawFn) -> list[Event]:
    rows = draw(
        st.lists(st.tuples(_data, st.integers(0, 2 * LONG), st.sampled_from(["c1", "c2", "c3"])), max_size=40)
    )
    again = draw(st.lists(st.integers(0, 60), max_size=5))
    told = [event(data, days=half / 2, subject=who, id=f"e{i}") for i, (data, half, who) in enumerate(rows)]
    copies = [told[n % len(told)] for n in again if told]
    return [*told, *(replace(copy, id=f"copy{i}") for i, copy in enumerate(copies))]


lives = _lives()
_windows = st.tuples(st.integers(0, LONG), st.integers(1, 45)).map(
    lambda w: (DAY0 + w[0], DAY0 + w[0] + w[1] - 1)
)
_policies = st.builds(
    lambda terms, quiet, complaint: ChurnPolicy.model_validate(
        {"contractual": terms, "quiet": f"{quiet}d", "complaint": f"{complaint}d"}
    ),
    st.one_of(
        st.none(),
        st.builds(
            lambda grace, expired: {"grace": f"{grace}d", "expired": expired},
            st.integers(0, 12),
            st.sampled_from(["voluntary", "involuntary"]),
        ),
    ),
    st.integers(7, 20),
    st.integers(0, 40),
)


def by_day(delta: Delta, selected: Selection = ALL) -> Mapping[int, Mapping[str, int]]:
    chosen = selected.chooses()
    days: dict[int, dict[str, int]] = {}
    for (day, place, field), n in delta.items():
        if chosen(place):
            fields = days.setdefault(day, {})
            fields[field] = fields.get(field, 0) + n
    return days


def people(customers: Mapping[str, Tracked], selected: Selection = ALL) -> list[Person]:
    chosen = [t.data for t in customers.values() if selected.segment in (None, t.data.segment)]
    return [person(data, channel=selected.channel) for data in chosen]


SELECTIONS = [ALL, Selection(segment="gold"), Selection(segment=""), Selection(channel="web")]
each_selection = pytest.mark.parametrize("selected", SELECTIONS, ids=["all", "gold", "none", "web"])


@each_selection
@settings(deadline=None, max_examples=examples(60))
@given(lives, _windows, _policies)
def test_churn_is_that_of_the_customers(
    selected: Selection, history: Sequence[Event], window: tuple[int, int], policy: ChurnPolicy
) -> None:
    customers, delta = run(history)
    chain = gaps.ANY if selected.channel is None else gaps.BY_CHANNEL
    found = churned(by_day(delta, selected), policy, *window, chain)
    expected = churn(people(customers, selected), policy, *window, terms=selected.channel is None)
    assert (found.could, found.voluntary, found.involuntary, found.reasons) == expected
    assert 0 <= found.voluntary + found.involuntary <= found.could


@each_selection
@settings(deadline=None, max_examples=examples(60))
@given(lives, _windows)
def test_phases_are_those_of_the_customers(
    selected: Selection, history: Sequence[Event], window: tuple[int, int]
) -> None:
    customers, delta = run(history)
    chain = gaps.ANY if selected.channel is None else gaps.BY_CHANNEL
    found = phases(by_day(delta, selected), *window, chain)
    expected = phases_of(people(customers, selected), *window)
    assert {name: getattr(found, name) for name in expected} == expected


@settings(deadline=None, max_examples=examples(60))
@given(lives, st.integers(0, LONG), st.sampled_from(SELECTIONS[:3]))
def test_cohorts_are_those_of_the_customers(history: Sequence[Event], day: int, selected: Selection) -> None:
    customers, delta = run(history)
    now = cohorts.month_of(DAY0 + day)
    found = cohorts.triangle(by_day(delta, selected), cohorts.month_of(DAY0), now)
    names = {m: date_of(cohorts.first_day(m)).strftime("%Y-%m") for m in range(now - 40, now + 1)}
    told = {
        (names[one.month], names[one.month + after]): n
        for one in found
        for after, n in enumerate(one.active)
        if n
    }
    assert told == dict(cohorts_of(people(customers, selected), names[now]))


@settings(deadline=None, max_examples=examples(60))
@given(lives, st.randoms(use_true_random=False))
def test_the_order_of_arrival_does_not_matter(history: Sequence[Event], order: random.Random) -> None:
    assert run(told_again(history, order))[1] == run(history)[1]


def test_the_first_day_of_a_month() -> None:
    for text in ("1970-01-01", "2024-02-01", "2026-12-01"):
        day = day_number(date_of(0).fromisoformat(text))
        assert [cohorts.first_day(cohorts.month_of(day + n)) for n in (0, 27)] == [day, day]


def test_a_policy_without_terms_judges_subscribers_by_what_they_buy() -> None:
    events = [event(started("s", 30), days=0), event(purchase("o"), days=0)]
    days = by_day(run(events)[1])
    window = (DAY0 + 1, DAY0 + 60)
    for terms, reason in (({"grace": "5d"}, "expired"), (None, "unknown")):
        policy = ChurnPolicy.model_validate({"contractual": terms, "quiet": "20d"})
        assert churned(days, policy, *window).reasons == {reason: 1}


def test_the_latest_complaint_is_that_of_the_last_day_before_they_count_as_gone() -> None:
    policy = ChurnPolicy.model_validate({"quiet": "20d"})
    for after, reason in ((19, "price"), (20, "price"), (21, "carrier")):
        events = [
            event(purchase("o"), days=0),
            event(opened("k1"), days=1),
            event(ComplaintResolved(complaint_id="k1", resolution=".", root_cause="carrier"), days=2),
            event(opened("k2"), days=after),
            event(ComplaintResolved(complaint_id="k2", resolution=".", root_cause="price"), days=after + 1),
        ]
        found = churned(by_day(run(events)[1]), policy, DAY0 + 21, DAY0 + 21)
        assert (found.could, found.reasons) == (1, {reason: 1}), after
