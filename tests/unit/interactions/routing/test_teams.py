"""Which team is asked, and which there are."""

from services.interactions.config import parse_desk
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
