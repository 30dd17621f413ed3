"""Which team is asked, and which there are."""

from datetime import timedelta

from services.interactions.config import parse_desk
from shared.schemas.commands.teams import AgentChangeRequested
from tests.unit.interactions.talk import escalated

from .floor import Floor, agent

OVERFLOWS = parse_desk(
    """
teams:
  - {id: care, default: true}
  - {id: complaints, overflow: {to: care, after: 10m}}
  - {id: law, overflow: {to: care, after: 30m}}
"""
)


def waiting(floor: Floor) -> dict[str, list[str]]:
    teams = ("care", "complaints", "law")
    return {team: found for team in teams if (found := sorted(floor.team(team).waiting))}


def test_a_team_that_is_named_after_an_overflow_is_asked() -> None:
    floor = Floor(OVERFLOWS)
    floor.wants("c-1", team="complaints")
    floor.after(11)
    assert waiting(floor) == {"care": ["c-1 c-1"]}
    floor.tell("c-1", escalated("c-1", priority="high"))
    assert waiting(floor) == {"care": ["c-1 c-1"]}, "no other team was named"
    floor.tell("c-1", escalated("c-1", team="law", priority="urgent"))
    assert waiting(floor) == {"law": ["c-1 c-1"]}
    assert floor.team("law").waiting["c-1 c-1"].been == ()
    floor.after(31)
    assert waiting(floor) == {"care": ["c-1 c-1"]}
    assert floor.team("care").waiting["c-1 c-1"].been == ("law",)


def test_nobody_is_in_a_team_that_may_not_be() -> None:
    floor = Floor(parse_desk("only_these_teams: true\nteams: [{id: care, default: true}]"))
    floor.tell("care", agent("ann"))
    floor.worker.tell("nowhere", agent("ann"))
    (dead,) = floor.worker.dead_letters
    assert "unknown_team" in str(dead)
    assert not floor.agent("ann").left
    floor.wants("c-1")
    assert floor.assigned == [("c-1", "ann")]


def test_whoever_asks_for_another_team_gets_it_though_the_one_before_was_told_for_later() -> None:
    floor = Floor()
    later = floor.worker.now + timedelta(hours=5)
    floor.worker.tell("care", agent("ann"), at=later).accepted()
    asked = AgentChangeRequested.model_validate(agent("ann").model_dump(exclude_none=True))
    floor.tell("night", asked)
    assert (floor.agent("ann").left, floor.agent("ann", "night").left) == (True, False)
    floor.wants("c-1", team="night")
    assert floor.assigned == [("c-1", "ann")]
    # Her own news in that team changes nothing of it; asked for again, she is back.
    floor.tell("night", agent("ann", total=2))
    assert (floor.agent("ann").left, floor.agent("ann", "night").total) == (True, 2_000)
    floor.tell("care", asked)
    assert (floor.agent("ann").left, floor.agent("ann", "night").left) == (False, True)
    assert list(floor.agent("ann").carries) == ["c-1 c-1"]
