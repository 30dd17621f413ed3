"""A lead's view: the queue in its order, and the hours."""

from datetime import UTC, datetime

import pytest

from services.interactions.config import load_desk
from services.interactions.desk.views.team import Hour, queue, today, week
from services.interactions.domain.routing.state import Team, Waiting
from services.interactions.models.teams import HourView
from shared.schemas.times import micros

from ..told import at

RULES = load_desk()
NOON = datetime(2026, 11, 26, 12, 30, tzinfo=UTC)
"""A Thursday."""


def waiting(name: str, minutes: float, priority: str) -> Waiting:
    since = micros(at(minutes))
    return Waiting(
        customer_id=name, conversation_id="k", revision=1, since=since, asked_at=since, priority=priority
    )


def test_the_queue_is_in_the_order_in_which_agents_get_it() -> None:
    told: list[tuple[str, float, str]] = [
        ("late", 30, "high"),
        ("old", 0, "normal"),
        ("first", 20, "urgent"),
        ("low", -1, "low"),
    ]
    team = Team(team_id="t", waiting={name: waiting(name, at_, priority) for name, at_, priority in told})
    assert [one.customer_id for one in queue(RULES, team, 9)] == ["first", "old", "low", "late"]
    assert len(queue(RULES, team, 2)) == 2


def hour(weekday: int, hour: int, agents: int) -> HourView:
    return HourView(
        weekday=weekday,
        hour=hour,
        arrivals=2.5,
        load=0.3,
        agents=agents,
        scheduled=agents + 1,
        service_level=0.9,
        occupancy=0.5,
    )


def test_todays_hours_as_bars() -> None:
    day = today([hour(3, 9, 4), hour(3, 12, 2), hour(2, 12, 8)], NOON)
    assert [(bar.hour, bar.agents, bar.height) for bar in day.bars if bar.agents] == [
        (9, 4, 100),
        (12, 2, 50),
    ]
    assert (day.now.hour, day.now.agents, day.most, len(day.bars)) == (12, 2, 4, 24)


@pytest.mark.parametrize("hours", [[], [hour(0, 3, 0)]])
def test_a_day_on_which_nothing_comes(hours: list[HourView]) -> None:
    day = today(hours, NOON)
    assert (day.most, day.now.agents, {bar.height for bar in day.bars}) == (1, 0, {0})


def test_the_week_as_a_table() -> None:
    found = week([hour(0, 9, 4), hour(6, 11, 2)])
    nothing = (None,) * 7
    assert found == (
        Hour(9, (4, *nothing[1:])),
        Hour(10, nothing),
        Hour(11, (*nothing[:6], 2)),
    )
    assert week([]) == ()
