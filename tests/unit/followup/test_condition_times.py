"""Times that an expression hands to functions of ours alone go in as numbers, which cost the engine a tenth;
what it says is the same. Where it does anything else with one, all go in as times."""

from datetime import datetime
from typing import Any

import pytest

from services.followup.domain.conditions.expression import compiled
from services.followup.domain.conditions.sample import sample
from shared.expressions.functions import FUNCTIONS

HANDED = (
    "days_since(purchases.last_at) < 1",
    "days_since(purchases.first_at) >= 19",
    "has(feedback.nps) && days_since(feedback.nps.at) == 0",
    "purchases.exists(p, days_since(p.at) == 3)",
    "interactions.exists(i, i.times.filter(t, days_since(t) > 2).size() == 2)",
    "days_since(purchases[4].at) == 4",
    'weekday(now) == "mon" && weekday(purchases[1].at) == "sun"',
    'weekday(loyalty.enrolled_at) == "sun" && local_time() == "13:00"',
    "days_since(subscriptions[0].expires_at) == 0",
)
TIMES = (
    "purchases.last_at == now",
    "days_since(purchases.last_at) == 0 && purchases.first_at < now",
    'now - purchases.first_at > duration("1h")',
    'days_since(timestamp("2026-03-01T00:00:00Z")) == 1',
    "purchases.first_at in purchases.map(p, p.at)",
    'days_since(profile.preferences["when"]) == 1',
    "days_since(true ? purchases.last_at : now) == 0",
    "(true ? interactions[0].times : profile.preferences.dates).exists(t, days_since(t) < 3)",
)


def given(text: str) -> dict[str, Any]:
    expression, scope = compiled(text), sample({})
    lists = {name: read(scope) for name, read in expression.lists.items()}
    return lists | {name: read(scope) for name, read in expression.parts}


def times_in(told: Any) -> list[datetime]:
    if isinstance(told, dict | list):
        return [time for one in (told.values() if isinstance(told, dict) else told) for time in times_in(one)]
    return [told] if isinstance(told, datetime) else []


@pytest.mark.parametrize("text", HANDED)
def test_what_only_our_functions_take_goes_in_as_a_number_and_says_the_same(text: str) -> None:
    expression, scope = compiled(text), sample({})
    assert not times_in(given(text))
    assert expression.verdict(scope).met
    asked_as_times = f"{text} && now == now"
    assert times_in(given(asked_as_times))
    assert compiled(asked_as_times).verdict(scope) == expression.verdict(scope)


@pytest.mark.parametrize("text", TIMES)
def test_what_else_is_done_with_a_time_is_done_with_times(text: str) -> None:
    expression = compiled(text)
    assert expression.use.clock
    made = dict(expression.ours)
    assert all(made[name] is FUNCTIONS[name].made for name in made)
    if "preferences" not in text:
        assert expression.verdict(sample({})).met


def test_a_time_of_a_trigger_may_come_without_an_offset() -> None:
    text = "days_since(trigger.expires_at) == 0"
    expression = compiled(text, ("subscription.started",))
    for at in ("2026-03-02T11:00:00", "2026-03-02T12:00:00+01:00"):
        assert expression.verdict(sample({"expires_at": at})).met
