"""What kind of work a conversation is decides how much of an agent it takes, beside its channel."""

from types import SimpleNamespace

import pytest

from services.interactions.config import parse_desk
from services.interactions.domain.routing.by_hand import warnings
from services.interactions.domain.routing.matching import cost, load, of_kind
from services.interactions.domain.routing.rows import agent_row
from services.interactions.domain.rows import conversation_row
from shared.schemas.base import Data
from shared.schemas.complaints import ComplaintOpened, ComplaintResolved
from shared.schemas.interactions import ConversationClosed

from .floor import TEAM, Floor, agent, chats

DESK = parse_desk(
    """
teams: [{id: care, default: true}]
work: {complaint: 1.5, skills: {refunds: 2, law: 0.5}}
calm: {severities: [critical], in_a_row: 100, a_day: 100}
"""
)


def complains(customer: str) -> ComplaintOpened:
    told = {"complaint_id": customer, "channel": "chat", "category": "delivery", "severity": "normal"}
    return ComplaintOpened.model_validate(told | {"description": "late", "conversation_id": customer})


def taken(floor: Floor, agent_id: str = "ann") -> int:
    return load(floor.agent(agent_id))


def test_a_complaint_takes_more_than_a_question() -> None:
    floor = Floor(DESK)
    floor.tell(TEAM, agent("ann", total=2))
    floor.tell("c-1", complains("c-1"))
    floor.wants("c-1")
    floor.wants("c-2")
    assert floor.assigned == [("c-1", "ann")]
    assert taken(floor) == 1_500
    (why,) = (one.why for one in floor.facts)
    assert why["takes"] == 1.5
    # Solved it is a conversation as any other, and the room that it gives is used at once.
    floor.tell("c-1", ComplaintResolved(complaint_id="c-1", resolution="sent again"))
    assert floor.assigned == [("c-1", "ann"), ("c-2", "ann")]
    assert taken(floor) == 2_000


def test_what_turns_out_to_be_a_complaint_leaves_less_room() -> None:
    floor = Floor(DESK)
    floor.tell(TEAM, agent("ann", total=2))
    floor.wants("c-1")
    floor.tell("c-1", complains("c-1"))
    assert taken(floor) == 1_500
    floor.wants("c-2")
    assert floor.assigned == [("c-1", "ann")]


@pytest.mark.parametrize(
    ("skills", "fit"), [(["refunds"], 1), (["law"], 4), (["law", "refunds"], 1), (["tea"], 2)]
)
def test_a_skill_that_is_needed_may_be_much_work_or_little(skills: list[str], fit: int) -> None:
    floor = Floor(DESK)
    known = {"refunds": 5, "law": 5, "tea": 5}
    floor.tell(TEAM, agent("ann", total=2, skills=known))
    for number in range(5):
        floor.wants(f"c-{number}", skills=skills)
    assert len(floor.assigned) == fit


def test_it_goes_along_to_another_team() -> None:
    floor = Floor(DESK)
    floor.tell(TEAM, agent("ann", total=2))
    floor.tell("c-1", complains("c-1"))
    floor.wants("c-1")
    floor.tell("night", agent("ann", total=2))
    assert load(floor.agent("ann", "night")) == 1_500


def test_it_takes_all_of_an_agent_at_most() -> None:
    """Else nobody would ever get what takes more than anybody has."""
    floor = Floor(DESK)
    floor.tell(TEAM, agent("ann", total=1))
    floor.tell("c-1", complains("c-1"))
    floor.wants("c-1")
    assert floor.assigned == [("c-1", "ann")]
    assert taken(floor) == 1_000


def test_a_person_who_gives_it_is_told_that_it_is_too_much() -> None:
    floor = Floor(DESK)
    floor.tell(TEAM, agent("ann", total=2))
    floor.wants("c-2")
    floor.tell("c-1", complains("c-1"))
    floor.wants("c-1")
    assert floor.assigned == [("c-2", "ann")]
    routed = floor.worker.state("c-1").routing.by_id["c-1"]
    row = conversation_row("c-1", floor.conversation("c-1"), routed)
    assert warnings(agent_row(DESK, TEAM, floor.agent()), row) == ["over_capacity"]


def test_without_a_word_in_the_file_all_take_the_same() -> None:
    floor = Floor()
    told: list[Data] = [agent("ann", total=1)]
    floor.tell(TEAM, *told)
    floor.tell("c-1", complains("c-1"))
    floor.wants("c-1", skills=[])
    assert (floor.assigned, taken(floor)) == ([("c-1", "ann")], 1_000)
    floor.tell("c-1", ConversationClosed(conversation_id="c-1", outcome="solved"))
    floor.tell("c-2", chats(conversation_id="c-2"))
    assert taken(floor) == 0


def test_nothing_takes_less_than_it_does() -> None:
    assert of_kind(1, 1_500) == 2
    assert of_kind(0, 1_500) == 0
    ann = SimpleNamespace(total=3_000, weights={"chat": 700, "email": 300})
    assert cost(ann, None, 2_000) == 1_400
    assert cost(ann, "chat", 9_000) == 3_000
    assert cost(ann, "chat", 500) == 350
    assert cost(ann, "voice", 1_000) is None
