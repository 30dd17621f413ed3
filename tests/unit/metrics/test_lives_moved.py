"""Who moved retention and churn, against customers looked at one by one."""

from collections.abc import Callable, Mapping, Sequence
from statistics import median

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.metrics.domain.apply import apply
from services.metrics.domain.cells import Delta
from services.metrics.domain.churn_policy import ChurnPolicy
from services.metrics.domain.kpis.registry import KPIS
from services.metrics.domain.kpis.window import window
from services.metrics.domain.lives_moved import Share, lives_moved_by, share_of, shares_of, tell
from services.metrics.domain.parts import GivenUp
from services.metrics.domain.places import Selection, crossed
from services.metrics.domain.rows import day_id, pack_tail
from services.metrics.domain.state import Customer
from services.metrics.domain.tracked import Tracked
from services.metrics.figures_store import FiguresStore
from shared.schemas.event import Event
from tests.examples import examples

from .life_model import Person, churn, in_window
from .story import FAR, event, profile, purchase, run
from .test_life import DAY0, LONG, _policies, by_day, lives, people
from .test_watching import Client

NAMES = ("retention", "churn", "churn_voluntary", "churn_involuntary")
QUIET, TODAY = 10, 32
DAYS = [DAY0 + TODAY - 7 * week for week in range(4)]
CHANNELS = {"a": "web", "b": "store"}
"""Where those of a segment buy."""
SELECTIONS = {"gold": ("segment", "gold"), "web": ("channel", "web"), "store": ("channel", "store")}


def read(
    delta: Delta, days: Sequence[int], policy: ChurnPolicy
) -> Mapping[int, Mapping[str, Mapping[str, int]]]:
    """What the store gives."""
    wanted, tells = tell(days, policy)
    found: dict[int, dict[str, dict[str, int]]] = {}
    for (day, place, name), n in delta.items():
        if day in wanted and tells(day, name):
            found.setdefault(day, {}).setdefault(place, {})[name] = n
    return found


def looked_at(name: str, some: Sequence[Person], policy: ChurnPolicy, day: int, terms: bool) -> Share:
    """Customer by customer."""
    if name == "retention":
        before = [one for one in some if in_window(one, day - 1, day - 1)]
        return Share(sum(in_window(one, day, day) for one in before), len(before))
    could, voluntary, involuntary, _ = churn(some, policy, day, day, terms=terms)
    left = {"churn": voluntary + involuntary, "churn_voluntary": voluntary}.get(name, involuntary)
    return Share(left, could)


@settings(deadline=None, max_examples=examples(60))
@given(lives, st.lists(st.integers(1, LONG + 20), min_size=3, max_size=6, unique=True), _policies)
def test_the_shares_of_values_are_those_of_their_customers(
    history: Sequence[Event], offsets: Sequence[int], policy: ChurnPolicy
) -> None:
    customers, delta = run(history)
    days = [DAY0 + one for one in offsets]
    places = read(delta, days, policy)
    for name in NAMES:
        found = shares_of(KPIS[name], days, places, policy)
        for value, (dimension, _) in SELECTIONS.items():
            some = people(customers, Selection(**{dimension: value}))
            terms = dimension != "channel"
            expected = [looked_at(name, some, policy, day, terms) for day in days]
            told = found[dimension].get(value, [Share(0, 0)] * len(days))
            assert [one.part for one in told] == [one.part for one in expected]
            if name == "retention":
                assert told == expected


def share(name: str, delta: Delta, days: Sequence[int], policy: ChurnPolicy) -> list[Share]:
    of_all = by_day(delta)
    windows = [window(of_all, {}, first=d, last=d, one_channel=False, policy=policy) for d in days]
    return [share_of(KPIS[name], one) for one in windows]


def moved(name: str, history: Sequence[Event]) -> Mapping[str, str]:
    """As it is judged: by the median of the weeks before."""
    policy = ChurnPolicy.model_validate({"quiet": f"{QUIET}d", "contractual": None})
    _, delta = run(history)
    total = share(name, delta, DAYS, policy)
    usual = median(one.part / one.whole for one in total[1:])
    by = shares_of(KPIS[name], DAYS, read(delta, DAYS, policy), policy)
    return lives_moved_by(KPIS[name], usual, total, by)


def shop(of_segment: Callable[[int, str], int]) -> list[Event]:
    """Each day so many buy once of each segment, those of ``a`` on the web and those of ``b`` in a store."""
    told: list[Event] = []
    for day in range(TODAY + 1):
        for segment, channel in CHANNELS.items():
            for n in range(of_segment(day, segment)):
                who = f"{segment}{day}-{n}"
                told.append(event(profile(segment), days=day, subject=who))
                told.append(event(purchase(who, channel=channel), days=day + 0.5, subject=who))
    return told


@pytest.mark.parametrize(("segment", "channel"), CHANNELS.items())
def test_the_segment_and_channel_that_left_are_named(segment: str, channel: str) -> None:
    promotion = TODAY - QUIET - 1
    history = shop(lambda day, one: 25 if day == promotion and one == segment else 3)
    assert moved("churn", history) == {"segment": segment, "channel": channel}


def test_a_segment_that_is_gone_from_those_who_leave_is_named_in_a_shop_that_grows() -> None:
    """As many left of it in the past as a smaller part of fewer."""
    outage = TODAY - QUIET - 1

    def of(day: int, segment: str) -> int:
        return 0 if day == outage and segment == "a" else round(5 * 1.02**day * (2 if segment == "b" else 1))

    assert moved("churn", shop(of)) == {"segment": "a", "channel": "web"}


def test_nobody_is_named_where_so_many_more_could_leave() -> None:
    """A hundred came yesterday. As many leave as ever, a smaller part of all."""
    history = shop(lambda day, segment: 100 if day == TODAY - 1 and segment == "b" else 3)
    assert moved("churn", history) == {}


def test_a_segment_that_came_once_is_named_as_it_did_not_come_back() -> None:
    regulars = [
        event(purchase(f"r{n}-{day}"), days=day + 0.5, subject=f"r{n}")
        for n in range(20)
        for day in range(TODAY + 1)
    ]
    once = shop(lambda day, segment: 100 if day == TODAY - 1 and segment == "b" else 0)
    found = moved("retention", [*regulars, *once])
    assert found == {"segment": "b", "channel": "store"}


def test_whom_nobody_expects_back_is_among_those_who_left() -> None:
    policy = ChurnPolicy.model_validate({"quiet": "30d", "contractual": None, "alive_below": 0.5})
    delta, day = Delta(), DAY0 + TODAY
    for n, after in enumerate((4, 5, 6)):
        one = Tracked(Customer())
        apply(one, event(profile("a"), days=0), FAR, delta)
        apply(one, event(purchase(f"o{n}"), days=TODAY - 5), FAR, delta)
        one.give_up({day - 5: GivenUp(after, 0)}, delta)
    found = shares_of(KPIS["churn"], [day, day - 7], read(delta, [day, day - 7], policy), policy)
    assert found["segment"]["a"] == [Share(1, 0), Share(0, 0)]
    assert share("churn", delta, [day], policy)[0].part == 1
    days, _ = tell([day], policy)
    assert days == {day - after for after in range(32)}


async def test_the_store_gives_what_tells_of_a_day_and_no_more(client: Client, database_name: str) -> None:
    database, gold = client[database_name], crossed("gold", "")
    await database["partitions"].insert_one({"_id": 0, "tail": pack_tail(Delta({(100, gold, "r1:7"): 1}))})
    cells = {"days": {"r1:x": 2, "revenue:EUR": 500}, "gaps": {"r1:7": 3, "r2:9": 1}}
    for name, fields in cells.items():
        rows = [{"_id": day_id(day, 0), "cells": {gold: fields}} for day in (99, 100)]
        await database[name].insert_many(rows)
    store = FiguresStore(database)
    found = await store.places([100], gaps=True, tells=lambda day, name: name.startswith("r1:"))
    assert found == {100: {gold: {"r1:x": 2, "r1:7": 4}}}
    assert await store.places([100]) == {100: {gold: {"r1:x": 2, "revenue:EUR": 500, "r1:7": 1}}}
