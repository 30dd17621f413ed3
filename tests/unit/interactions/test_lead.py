"""What a team's lead sees, and what came to it by hour."""

from datetime import timedelta
from typing import Any

from services.interactions.config import parse_desk
from services.interactions.domain.growth.arrivals import read_arrivals
from services.interactions.domain.growth.lead import lead
from services.interactions.domain.routing.state import Team
from shared.journal.testing import InMemoryWorker
from shared.schemas.base import Data
from shared.schemas.interactions import ConversationReturned
from shared.schemas.teams import AgentChanged
from shared.schemas.times import micros

from .talk import escalated, says
from .told import HANDLER, START, at, event

TEAM = "returns"
DESK = parse_desk("teams: [{id: service, default: true}]")


class Shift:
    """A worker that is told things in the order in which they happen."""

    def __init__(self) -> None:
        self.worker: InMemoryWorker[Any] = InMemoryWorker(HANDLER, now=START)
        self.told = 0

    def tell(self, minutes: float, data: Data, subject: str) -> None:
        self.told += 1
        self.worker.advance(at(minutes))
        self.worker.send(event(data, f"e-{self.told}", minutes, subject=subject))

    def agent(self, minutes: float, name: str, **fields: Any) -> None:
        said = {
            "agent_id": name.lower(),
            "name": name,
            "capacity": {"total": 2, "weights": {"email": 1}},
            "on_shift": True,
            "on_break": False,
        }
        self.tell(minutes, AgentChanged.model_validate(said | fields), TEAM)

    def escalated(self, minutes: float, number: int, sentiment: float = 0, **fields: Any) -> None:
        self.tell(minutes, says(conversation_id=f"c-{number}", sentiment=sentiment), f"cust-{number}")
        self.tell(minutes, escalated(f"c-{number}", team=TEAM, **fields), f"cust-{number}")

    @property
    def team(self) -> Team:
        state: Team = self.worker.state(f"team/{TEAM}")
        return state

    def arrivals(self) -> list[tuple[float, dict[str, int]]]:
        """By hours after the start."""
        rows = [row for row in self.worker.rows("arrivals") if row["key"].startswith(f"{TEAM} ")]
        first = micros(START) // 3_600_000_000
        return [(one.hour - first, dict(one.channels)) for one in read_arrivals(rows)]


def test_of_a_team_never_heard_of() -> None:
    found = lead(DESK, Team(team_id=TEAM), 0)
    assert (found.waiting, found.queues, found.stuck, found.agents, found.total) == (0, (), (), (), 0)


def test_who_carries_what_by_name() -> None:
    shift = Shift()
    for name in ("bob", "Ann", "cleo"):
        shift.agent(0, name, on_shift=name != "cleo", on_break=name == "bob")
    for number in range(3):
        shift.escalated(1 + number, number)
    found = lead(DESK, shift.team, micros(at(10)))
    assert [(one.name, one.presence, one.load, one.total, one.conversations) for one in found.agents] == [
        ("Ann", "at_work", 2, 2, 2),
        ("bob", "on_break", 0, 2, 0),
        ("cleo", "off", 0, 2, 0),
    ]
    assert (found.load, found.total, found.waiting) == (2, 2, 1)


def test_the_queue_by_priority_and_what_nobody_can_take() -> None:
    shift = Shift()
    shift.agent(0, "Ann", skills={"refunds": 5}, languages=["en"], on_break=True)
    shift.escalated(1, 1, priority="low")
    shift.escalated(2, 2, priority="urgent", skills=["refunds"])
    shift.escalated(3, 3, priority="low", skills=["refunds", "law"])
    shift.escalated(4, 4, language="de")
    found = lead(DESK, shift.team, micros(at(5)))
    assert [(one.priority, one.waiting, one.since) for one in found.queues] == [
        ("urgent", 1, micros(at(2))),
        ("normal", 1, micros(at(4))),
        ("low", 2, micros(at(1))),
    ]
    assert [(one.conversation_id, one.missing, one.language) for one in found.stuck] == [
        ("c-3", ("law",), None),
        ("c-4", (), "de"),
    ]


def test_what_waits_for_a_skill_that_would_only_help_is_not_stuck() -> None:
    shift = Shift()
    shift.agent(0, "Ann", skills={"refunds": 5}, on_break=True)
    shift.escalated(1, 1, skills=["refunds"], preferred_skills=["law"])
    shift.escalated(1.5, 2, skills=["refunds"])
    assert micros(at(2)) < micros(at(1)) + DESK.preferred_for
    assert lead(DESK, shift.team, micros(at(2))).stuck == ()


def test_whom_it_has_been_hard_on() -> None:
    shift = Shift()
    shift.agent(0, "Ann", capacity={"total": 9, "weights": {"email": 1}})
    for number in range(DESK.calm.in_a_row + 1):
        shift.escalated(1 + number, number, sentiment=-0.9)
    (ann,) = lead(DESK, shift.team, micros(at(8))).agents
    assert (ann.hard_today, ann.hard_in_a_row, ann.spared) == (3, 3, True)
    assert lead(DESK, shift.team, micros(at(8))).waiting == 1


def test_arrivals_are_counted_once_by_hour_and_channel() -> None:
    shift = Shift()
    shift.escalated(1, 1)
    shift.escalated(59, 2)
    shift.tell(60, says(conversation_id="c-3", channel="chat"), "cust-3")
    shift.tell(60, escalated("c-3", team=TEAM), "cust-3")
    shift.tell(61, says(conversation_id="c-3", channel="chat"), "cust-3")
    shift.tell(62, escalated("c-4", team=TEAM), "cust-4")
    assert shift.arrivals() == [(0, {"email": 2}), (1, {"chat": 1, "other": 1})]


def test_what_was_given_back_comes_again() -> None:
    shift = Shift()
    shift.agent(0, "Ann")
    shift.escalated(1, 1)
    back = ConversationReturned(conversation_id="c-1", to="queue", reason="not mine")
    shift.tell(125, back, "cust-1")
    assert shift.arrivals() == [(0, {"email": 1}), (2, {"email": 1})]


def test_what_overflows_comes_to_the_other_team_too() -> None:
    shift = Shift()
    shift.escalated(1, 1)
    shift.worker.advance(timedelta(hours=1))
    assert {row["key"].split()[0] for row in shift.worker.rows("arrivals")} == {TEAM, "service"}
