"""Agents at work: what they get by hand, breaks, going home, what they are spared, and why one waits."""

from datetime import timedelta
from typing import Any

import pytest

from services.interactions.domain.conversations.steps import AWAY
from services.interactions.domain.routing.waits import waits_for
from shared.schemas.commands.conversations import (
    ConversationAssignRequested,
)
from shared.schemas.commands.routing import RoutingAssignRequested
from shared.schemas.interactions import (
    ConversationAssigned,
    ConversationClosed,
    ConversationReturned,
)
from shared.schemas.times import micros

from .floor import DESK, TEAM, Floor, agent, chats


def closed(customer: str) -> ConversationClosed:
    return ConversationClosed(conversation_id=customer, outcome="solved")


def answered(customer: str, agent_id: str) -> Any:
    return chats("done", direction="outbound", author="agent", agent_id=agent_id, conversation_id=customer)


def test_by_hand_counts_and_is_told_apart() -> None:
    floor = Floor()
    floor.tell(TEAM, agent("ann", total=2))
    floor.tell("c-1", chats(conversation_id="c-1"))
    floor.tell("c-1", ConversationAssignRequested(conversation_id="c-1", agent_id="ann"))
    floor.wants("c-2")
    floor.wants("c-3")
    assert [one.manual for one in floor.facts] == [True, None]
    assert floor.assigned == [("c-2", "ann")]
    # Beyond the capacity too: then as much must end before anything comes.
    floor.tell("c-4", chats(conversation_id="c-4"))
    floor.tell("c-4", ConversationAssigned(conversation_id="c-4", agent_id="ann", manual=True))
    assert len(floor.agent().carries) == 3
    floor.tell("c-1", closed("c-1"))
    assert floor.assigned == [("c-2", "ann")]
    floor.tell("c-4", closed("c-4"))
    assert floor.assigned == [("c-2", "ann"), ("c-3", "ann")]


def test_who_goes_home_gives_back_what_is_owed_an_answer() -> None:
    floor = Floor()
    floor.tell(TEAM, agent("ann", total=2))
    floor.wants("owed")
    floor.wants("answered")
    floor.tell("answered", answered("answered", "ann"))
    floor.tell(TEAM, agent("ann", total=2, on_shift=False))
    assert floor.conversation("owed").status == "queued"
    assert floor.conversation("answered").status == "waiting"
    (back,) = floor.worker.facts(ConversationReturned)
    assert (back.conversation_id, back.to, back.reason) == ("owed", "queue", AWAY)
    floor.tell(TEAM, agent("bob", total=2))
    assert floor.assigned[2:] == [("owed", "bob")]
    # The other one's customer writes again, and must not wait for Ann.
    floor.tell("answered", chats("and?", conversation_id="answered"))
    assert floor.assigned[3:] == [("answered", "bob")]
    assert floor.agent("ann").carries == {}


@pytest.mark.parametrize("team", [TEAM, "night"])
def test_who_is_back_keeps_what_they_have(team: str) -> None:
    floor = Floor()
    floor.tell(TEAM, agent("ann", total=2))
    floor.wants("c-1")
    floor.tell("c-1", answered("c-1", "ann"))
    floor.tell(TEAM, agent("ann", total=2, on_shift=False))
    floor.tell(team, agent("ann", total=2))
    floor.tell("c-1", chats("and?", conversation_id="c-1"))
    assert floor.worker.facts(ConversationReturned) == []
    assert (floor.conversation("c-1").status, floor.conversation("c-1").agent_id) == ("assigned", "ann")
    floor.tell(team, agent("ann", total=2, on_shift=False))
    assert floor.conversation("c-1").status == "queued"


def test_what_is_given_by_hand_to_who_went_home_is_theirs() -> None:
    floor = Floor()
    floor.tell(TEAM, agent("ann", total=2))
    floor.wants("c-1")
    floor.tell("c-1", answered("c-1", "ann"))
    floor.tell(TEAM, agent("ann", total=2, on_shift=False))
    floor.tell("c-1", ConversationAssignRequested(conversation_id="c-1", agent_id="ann"))
    assert floor.worker.facts(ConversationReturned) == []
    assert (floor.conversation("c-1").status, floor.conversation("c-1").agent_id) == ("assigned", "ann")


def test_who_went_home_while_it_was_on_its_way_gives_it_back() -> None:
    floor = Floor()
    floor.tell(TEAM, agent("ann"))
    floor.wants("c-1")
    (assigned,) = floor.worker.facts(RoutingAssignRequested)
    floor.tell(TEAM, agent("ann", on_shift=False), agent("bob"))
    # Told again with a revision that is over, it changes nothing.
    floor.tell("c-1", assigned)
    assert floor.assigned == [("c-1", "ann"), ("c-1", "bob")]
    assert floor.agent("ann").carries == {}


def test_a_break_is_kept_and_what_they_have_stays_theirs() -> None:
    floor = Floor()
    floor.tell(TEAM, agent("ann", total=2))
    floor.wants("c-1")
    floor.tell(TEAM, agent("ann", total=2, on_break=True))
    floor.wants("c-2")
    assert (floor.assigned, floor.conversation("c-1").status) == ([("c-1", "ann")], "assigned")
    floor.tell(TEAM, agent("ann", total=2))
    assert floor.assigned == [("c-1", "ann"), ("c-2", "ann")]


def test_a_team_that_nobody_is_in_hands_on_to_the_default() -> None:
    floor = Floor()
    floor.tell(TEAM, agent("ann", total=9))
    floor.wants("c-1", team="typo")
    floor.after(9)
    assert floor.assigned == []
    floor.after(2)
    assert floor.assigned == [("c-1", "ann")]
    assert floor.facts[0].why["overflow_from"] == ["typo"]
    (row,) = [one for one in floor.worker.rows("conversations") if one["conversation_id"] == "c-1"]
    assert row["team"] == TEAM


def test_an_agent_is_found_whichever_team_is_named() -> None:
    floor = Floor()
    floor.wants("c-1", team="night")
    floor.tell("night", agent("ann"))
    assert floor.assigned == [("c-1", "ann")]
    floor.worker.advance(timedelta(days=1))
    assert (floor.worker.dead_letters, floor.worker.timers()) == ([], [])


def test_why_one_waits() -> None:
    floor = Floor()

    def why(customer: str) -> str | None:
        return waits_for(DESK, floor.team(), f"{customer} {customer}", micros(floor.worker.now))

    floor.wants("c-1", skills=["law"], language="de")
    assert (why("c-1"), why("nobody")) == ("agent", None)
    floor.tell(TEAM, agent("ann", weights={"email": 1}))
    assert why("c-1") == "channel"
    floor.tell(TEAM, agent("ann"))
    assert why("c-1") == "skills"
    floor.tell(TEAM, agent("ann", skills={"law": 1}))
    assert why("c-1") == "language"
    floor.tell(TEAM, agent("ann", skills={"law": 1}, languages=["de"], on_shift=False))
    assert why("c-1") == "shift"
    floor.tell(TEAM, agent("ann", skills={"law": 1}, languages=["de"]))
    assert (why("c-1"), floor.assigned) == (None, [("c-1", "ann")])
    floor.wants("c-2")
    floor.wants("c-3", preferred_skills=["law"])
    assert why("c-2") == "room"
    floor.tell(TEAM, agent("bob"))
    assert floor.assigned[1:] == [("c-2", "bob")]
    floor.tell(TEAM, agent("cyd"))
    assert why("c-3") == "preferred_skills"
    floor.tell("c-1", closed("c-1"))
    floor.tell("c-1", chats("again", conversation_id="c-1"))
    assert why("c-1") == "known_agent"


def test_hard_ones_are_spared_and_a_pause_is_kept() -> None:
    floor = Floor()
    floor.tell(TEAM, agent("ann", total=9))
    for number in range(4):
        floor.wants(f"h-{number}", sentiment=-0.9)
    assert floor.assigned == [("h-0", "ann"), ("h-1", "ann")], "two in a row"
    assert waits_for(DESK, floor.team(), "h-2 h-2", micros(floor.worker.now)) == "calm"
    floor.wants("easy")
    assert floor.assigned[2:] == [("easy", "ann"), ("h-2", "ann"), ("h-3", "ann")], "an easy one between"
    floor.wants("h-4", sentiment=-0.9)
    floor.tell("h-0", closed("h-0"))
    floor.wants("easy-2")
    assert floor.assigned[5:] == [], "a pause after a hard one"
    floor.after(5)
    assert floor.assigned[5:] == [("easy-2", "ann")]
    floor.after(12 * 60)
    assert floor.assigned[6:] == [], "four a day"
    floor.after(12 * 60)
    assert floor.assigned[6:] == [("h-4", "ann")]
