"""Figures of closed days, on the running platform: a late fact tells one anew, what was told then can be
asked for, who asks why is shown the events, and history that is loaded is silent."""

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.stack import Stack, event, new_customer, until

DAYS_AGO = 5
"""A closed day that no other test tells of."""


def day(ago: int = DAYS_AGO) -> datetime:
    return (datetime.now(UTC) - timedelta(days=ago)).replace(hour=12, minute=0, second=0, microsecond=0)


def answer(customer: str, score: int, when: datetime) -> dict[str, Any]:
    return event("survey.answered", customer, {"survey": "ces", "score": score}, at=when.isoformat())


def restated(stack: Stack, when: datetime) -> list[dict[str, Any]]:
    """What was told anew of the day's effort score, in order."""
    found = [json.loads(record.value) for record in stack.records("insights") if record.key == b"ces"]
    found = [one for one in found if one["type"] == "rapport.kpi.restated.v1"]
    days = [one for one in found if one["data"]["day"] == when.date().isoformat()]
    return sorted(days, key=lambda one: str(one["time"]))


def figure(stack: Stack, when: datetime, as_of: str = "") -> Any:
    """The effort score of the day."""
    start, end = (d.isoformat().replace("+00:00", "Z") for d in (when, when + timedelta(hours=1)))
    then = f"&as_of={as_of}" if as_of else ""
    items = stack.get("metrics", f"/kpis/ces/series?from={start}&to={end}{then}")["items"]
    return items[0]["value"]


def now() -> str:
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


def test_a_late_fact_tells_a_closed_day_anew(stack: Stack) -> None:
    when, customers = day(), [new_customer() for _ in range(3)]
    before = now()
    assert figure(stack, when) is None
    stack.post_events(answer(customers[0], 6, when), answer(customers[1], 6, when))
    until(lambda: figure(stack, when) == 6.0, "the first late answers")
    (first,) = until(lambda: restated(stack, when), "the day told anew", 30.0)
    assert (first["data"]["from"], first["data"]["to"]) == (None, 6.0)
    assert first["data"]["cause"] == "2 rapport.survey.answered.v1"
    then = now()
    late = answer(customers[2], 3, when)
    stack.post_events(late, late)
    until(lambda: figure(stack, when) == 5.0, "the late answer")
    told = until(lambda: len(all_of := restated(stack, when)) == 2 and all_of, "the second", 90.0)
    assert told[1]["data"] == {
        "kpi": "ces",
        "day": when.date().isoformat(),
        "from": 6.0,
        "to": 5.0,
        "cause": "1 rapport.survey.answered.v1",
    }
    assert figure(stack, when, then) == 6.0, "what was told then"
    assert figure(stack, when, before) is None
    assert stack.get("metrics", f"/kpis?window=7d&as_of={then}")["as_of"] is not None
    page = stack.get("metrics", f"/kpis/ces/why?day={when.date().isoformat()}")
    assert {item["customer_id"] for item in page["items"]} == set(customers)
    assert page["cursor"] is None


def test_history_that_is_loaded_is_silent(stack: Stack) -> None:
    when = day(DAYS_AGO + 3)
    customers = [new_customer() for _ in range(100)]
    stack.post_events(*(answer(c, 1 + n % 7, when) for n, c in enumerate(customers)))
    until(lambda: figure(stack, when) is not None, "what was loaded")
    loaded = until(lambda: not stack.behind() and figure(stack, when), "all of it")
    time.sleep(4.0)  # a pause of three seconds ends what is loaded together
    stack.post_events(answer(new_customer(), 7, when))
    (told,) = until(lambda: restated(stack, when), "the day told anew", 30.0)
    assert told["data"]["from"] == loaded, "nothing was told of what was loaded"
    assert told["data"]["cause"] == "1 rapport.survey.answered.v1"
