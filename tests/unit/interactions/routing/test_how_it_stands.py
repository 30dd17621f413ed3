"""A customer who is asked how a conversation stands says what holds, in the order of their own words; and
nothing of what is on its way between merged customers."""

from typing import Any

import pytest

from services.interactions.domain.routing.state import Team
from shared.schemas.base import Data
from shared.schemas.commands.merging import HandOver
from shared.schemas.commands.routing import AgentGoneRequested, RoutingAssignRequested
from shared.schemas.customers import CustomerErased
from shared.schemas.interactions import ConversationReturned
from tests.unit.interactions.merging.test_merged_routing import merged, unmerged
from tests.unit.interactions.talk import escalated

from .bus import Bus
from .floor import TEAM, agent, chats
from .test_any_order import DESK
from .test_told_late import closed, forgotten, kept, wants

NIGHT = "night"


def team(bus: Bus, name: str) -> Team:
    found: Any = bus.worker.state(f"team/{name}")
    return found


def moves(bus: Bus, to: str, total: int = 5) -> None:
    bus.tell(to, agent("ann", total=total))
    bus.settle()


def one_of_two() -> Bus:
    """Ann has the conversation of one name of two customers, who are one by now: what is told of it as the
    old one's has the higher revision."""
    bus = Bus(DESK)
    moves(bus, TEAM)
    wants(bus)
    for _ in range(3):
        bus.tell("c-0", escalated("c-0.y"))
        bus.tell("c-0", closed("c-0.y"))
        bus.settle()
    for customer in ("c-0", "c-1"):
        bus.tell(customer, chats(conversation_id="x"))
        bus.tell(customer, escalated("x"))
        bus.settle()
    merged(bus)
    bus.settle()
    for to in (NIGHT, TEAM, NIGHT, TEAM):
        moves(bus, to)
    return bus


def test_what_is_told_next_is_newer_than_what_was_answered() -> None:
    bus = one_of_two()
    bus.tell("c-1", ConversationReturned(conversation_id="x", to="queue", reason="r"))
    bus.settle()
    assert [key for key, one in bus.conversations() if one.wanted] == ["c-1 x"]
    assert "c-1 x" in team(bus, TEAM).waiting
    bus.agree()


def test_room_is_free_again_after_many_answers() -> None:
    bus = one_of_two()
    bus.tell("c-1", closed("x"))
    bus.settle()
    assert "c-1 x" not in team(bus, TEAM).agents["ann"].carries
    bus.agree()


def test_an_answer_is_not_newer_at_each_move() -> None:
    bus = one_of_two()
    before = dict(team(bus, TEAM).agents["ann"].carries)
    for to in (NIGHT, TEAM):
        moves(bus, to)
    assert dict(team(bus, TEAM).agents["ann"].carries) == before


def test_what_goes_home_after_a_merge_is_not_taken_for_over() -> None:
    bus = Bus()
    bus.tell(TEAM, agent("ann", total=1))
    bus.settle()
    wants(bus)
    bus.settle()
    merged(bus)
    bus.settle()
    wants(bus, "c-2")
    bus.settle()
    unmerged(bus)
    home = kept(bus, HandOver, "c-0")
    bus.tell(TEAM, agent("ann", total=1, on_shift=False))
    bus.tell(TEAM, agent("ann", total=1))
    bus.settle()
    bus.pending.append(home)
    bus.settle()
    assert bus.automatic("ann") == 1
    assert list(team(bus, TEAM).agents["ann"].carries) == ["c-0 c-0"]
    bus.agree()


@pytest.mark.parametrize("end", [closed("c-0"), CustomerErased()], ids=["closed", "erased"])
def test_a_choice_that_the_new_team_knows_to_be_over_is_no_agents(end: Data) -> None:
    """It was refused so long ago that the agent's own state takes it anew."""
    bus = Bus(DESK)
    moves(bus, TEAM)
    wants(bus)
    choice = kept(bus, RoutingAssignRequested)
    bus.tell(NIGHT, agent("ann"))
    left = kept(bus, AgentGoneRequested)
    bus.tell("c-0", escalated("c-0", team=NIGHT))
    bus.settle()
    bus.pending.append(choice)
    bus.settle()
    forgotten(bus)
    bus.tell("c-0", end)
    bus.settle()
    bus.pending.append(left)
    bus.settle()
    state: Any = bus.worker.states["agent/ann"]
    assert [key for key, one in state.held.items() if one.holds] == []
    assert "c-0 " not in str(state)
