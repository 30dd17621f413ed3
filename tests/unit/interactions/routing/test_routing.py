"""From escalated to assigned: who gets what, and when."""

import pytest

from shared.schemas.commands.conversations import (
    ConversationReturnRequested,
)
from shared.schemas.interactions import (
    ConversationAssigned,
    ConversationClosed,
    ConversationMerged,
    ConversationReturned,
)
from shared.schemas.loyalty import TierChanged
from tests.unit.interactions.talk import escalated

from .floor import TEAM, Floor, agent, chats


def closed(customer: str) -> ConversationClosed:
    return ConversationClosed(conversation_id=customer, outcome="solved")


def test_whoever_is_free_gets_it_and_the_next_waits_for_room() -> None:
    floor = Floor()
    floor.tell(TEAM, agent("ann"))
    floor.wants("c-1")
    floor.wants("c-2")
    assert floor.assigned == [("c-1", "ann")]
    assert (floor.conversation("c-1").status, floor.conversation("c-1").agent_id) == ("assigned", "ann")
    assert floor.conversation("c-2").status == "queued"
    floor.tell("c-1", closed("c-1"))
    assert floor.assigned == [("c-1", "ann"), ("c-2", "ann")]
    (why,) = {str(sorted(one.why)) for one in floor.facts}
    assert why == "['load', 'priority', 'team', 'waited_s']"


def test_whoever_comes_to_work_gets_what_waits() -> None:
    floor = Floor()
    floor.wants("c-1")
    assert floor.assigned == []
    floor.tell(TEAM, agent("ann", on_shift=False))
    floor.tell(TEAM, agent("ann", on_break=True))
    floor.tell(TEAM, agent("ann", total=0))
    floor.tell(TEAM, agent("ann", weights={"email": 1}))
    floor.tell(TEAM, agent("ann", weights={"chat": 1.5}))
    assert floor.assigned == []
    floor.tell(TEAM, agent("ann"))
    assert floor.assigned == [("c-1", "ann")]


def test_an_agents_capacity_is_exact() -> None:
    """Three times a tenth is three tenths."""
    floor = Floor()
    floor.tell(TEAM, agent("ann", total=0.3, weights={"chat": 0.1, "phone": 0.3}))
    for customer in ("c-1", "c-2", "c-3", "c-4"):
        floor.wants(customer)
    assert [customer for customer, _ in floor.assigned] == ["c-1", "c-2", "c-3"]


@pytest.mark.parametrize("ends", ["closed", "returned to the bot", "given to another", "merged away"])
def test_freed_capacity_pulls_at_once(ends: str) -> None:
    floor = Floor()
    floor.tell(TEAM, agent("ann"))
    floor.wants("c-1")
    floor.wants("c-2")
    match ends:
        case "closed":
            floor.tell("c-1", closed("c-1"))
        case "returned to the bot":
            floor.tell("c-1", ConversationReturned(conversation_id="c-1", to="bot", reason="easy"))
        case "given to another":
            floor.tell("c-1", ConversationAssigned(conversation_id="c-1", agent_id="zoe", manual=True))
        case "merged away":
            floor.tell("c-1", chats(conversation_id="other"), closed("other"))
            floor.tell("c-1", closed("c-1"), ConversationMerged(conversation_id="c-1", into="other"))
    assert floor.assigned == [("c-1", "ann"), ("c-2", "ann")]


def test_priority_then_age_and_what_has_waited_long_comes_first() -> None:
    floor = Floor()
    floor.wants("low", priority="low")
    floor.after(46)
    floor.wants("urgent", priority="urgent")
    floor.wants("normal")
    floor.wants("high", priority="high")
    floor.wants("normal-2", priority="normal")
    floor.tell(TEAM, agent("ann", total=9))
    order = ["low", "urgent", "high", "normal", "normal-2"]
    assert [customer for customer, _ in floor.assigned] == order


def test_a_tier_raises_the_priority() -> None:
    floor = Floor()
    floor.wants("plain")
    floor.wants("gold", priority="low")
    floor.wants("gold-and-urgent", priority="urgent")
    for customer in ("gold", "gold-and-urgent"):
        change = {"from": "silver", "to": "gold", "direction": "up"}
        floor.tell(customer, TierChanged.model_validate(change))
    floor.tell(TEAM, agent("ann", total=9))
    assert [customer for customer, _ in floor.assigned] == ["gold-and-urgent", "gold", "plain"]


def test_of_those_who_fit_the_least_loaded_then_the_best_then_who_waited_longest() -> None:
    floor = Floor()
    floor.tell(TEAM, agent("ann", total=4, skills={"law": 3}), agent("bob", total=2, skills={"law": 9}))
    floor.tell(TEAM, agent("cyd", total=2, skills={"law": 3}), agent("dan", total=9))
    for number in range(6):
        floor.wants(f"c-{number}", skills=["law"])
    assert [who for _, who in floor.assigned] == ["bob", "ann", "cyd", "ann", "bob", "cyd"]


def test_what_is_needed_must_be_there() -> None:
    floor = Floor()
    floor.tell(TEAM, agent("ann", total=9, skills={"law": 1}, languages=["en"]))
    floor.wants("c-1", skills=["law", "tax"])
    floor.wants("c-2", language="de")
    floor.wants("c-3", skills=["law"], language="en-GB")
    assert floor.assigned == [("c-3", "ann")]
    floor.after(24 * 60)
    assert floor.assigned == [("c-3", "ann")]
    floor.tell(TEAM, agent("bob", total=9, skills={"law": 1, "tax": 1}, languages=["de-AT"]))
    assert sorted(floor.assigned) == [("c-1", "bob"), ("c-2", "bob"), ("c-3", "ann")]


def test_what_would_help_is_waited_for_so_long() -> None:
    floor = Floor()
    floor.tell(TEAM, agent("ann"), agent("bob", skills={"tax": 1}))
    floor.wants("c-1", preferred_skills=["tax"])
    floor.wants("c-2", preferred_skills=["tax"])
    assert floor.assigned == [("c-1", "bob")]
    floor.after(1.9)
    assert floor.assigned == [("c-1", "bob")]
    floor.after(0.1)
    assert floor.assigned == [("c-1", "bob"), ("c-2", "ann")]
    assert floor.facts[-1].why["without"] == ["tax"]


def test_whoever_knows_the_customer_is_waited_for_so_long() -> None:
    floor = Floor()
    floor.tell(TEAM, agent("ann"), agent("bob"))
    floor.wants("c-1")
    assert floor.assigned == [("c-1", "ann")]
    floor.tell("c-1", closed("c-1"))
    floor.wants("c-2")
    floor.tell("c-1", chats("again", conversation_id="c-1"))
    # Bob has been idle longer than Ann: he has the second; Ann knows the first.
    assert floor.assigned[1:] == [("c-2", "bob"), ("c-1", "ann")]
    floor.tell("c-2", closed("c-2"), chats("again", conversation_id="c-2"))
    assert floor.assigned[3:] == [("c-2", "bob")]
    floor.tell("c-1", closed("c-1"))
    floor.wants("c-3")
    floor.tell("c-1", chats("and again", conversation_id="c-1"))
    assert floor.assigned[4:] == [("c-3", "ann")]
    floor.tell("c-2", closed("c-2"))
    assert floor.assigned[5:] == [], "for a minute Ann is waited for, though Bob has time"
    floor.after(1)
    assert floor.assigned[5:] == [("c-1", "bob")]


def test_who_gives_it_back_is_not_given_it_again_at_once() -> None:
    floor = Floor()
    floor.tell(TEAM, agent("ann"))
    floor.wants("c-1")
    floor.wants("c-2")
    asked = ConversationReturnRequested(conversation_id="c-1", to="queue", reason="not mine")
    floor.tell("c-1", asked)
    assert floor.assigned == [("c-1", "ann"), ("c-2", "ann")]
    floor.tell("c-2", closed("c-2"))
    assert floor.assigned[2:] == []
    floor.tell(TEAM, agent("bob"))
    assert floor.assigned[2:] == [("c-1", "bob")]


def test_alone_they_are_asked_again_after_a_while() -> None:
    floor = Floor()
    floor.tell(TEAM, agent("ann"))
    floor.wants("c-1")
    floor.tell("c-1", ConversationReturned(conversation_id="c-1", to="queue", reason="not mine"))
    floor.after(1.9)
    assert floor.assigned == [("c-1", "ann")]
    floor.after(0.1)
    assert floor.assigned == [("c-1", "ann")] * 2


@pytest.mark.parametrize("into", ["new", "closed", "of another team"])
def test_a_merge_leaves_no_gap_in_what_an_agent_has(into: str) -> None:
    """They have the whole from now on: nothing else comes in between."""
    floor = Floor()
    floor.tell(TEAM, agent("ann"))
    floor.wants("v-1")
    floor.tell("v-1", closed("v-1"))
    floor.tell("u", chats(conversation_id="u"), escalated("u"))
    floor.wants("c-2")
    if into != "new":
        floor.tell("u", chats(conversation_id="old"))
    if into == "of another team":
        floor.tell("u", escalated("old", team="night"))
    if into != "new":
        floor.tell("u", closed("old"))
    floor.tell("u", ConversationMerged(conversation_id="u", into="old"))
    assert (list(floor.agent().carries), list(floor.team().waiting)) == (["u old"], ["c-2 c-2"])
    floor.tell("u", closed("old"))
    assert floor.assigned[2:] == [("c-2", "ann")]
