"""What is told hours late, in any order and twice, while agents change teams: what is over is remembered for
an hour alone, and all the same nobody keeps room for it. So it is of merged and erased customers, and of an
agent in no team."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.interactions.domain.routing.membership import Held
from shared.schemas.base import Data
from shared.schemas.commands.routing import (
    AgentGoneRequested,
    AgentJoinRequested,
    AgentLoadRequested,
    RoutingAssignRequested,
    RoutingNewsRequested,
    RoutingReturnRequested,
)
from shared.schemas.customers import CustomerErased, CustomerMerged
from shared.schemas.event import Event
from shared.schemas.interactions import ConversationAssigned, ConversationClosed, ConversationReturned
from tests.examples import examples
from tests.unit.interactions.talk import escalated

from .bus import Bus
from .floor import TEAM, agent, chats
from .test_any_order import TEAMS, TOTALS, always

LATE = 61
"""Minutes: longer than what is over is remembered."""


def closed(id: str) -> ConversationClosed:
    return ConversationClosed(conversation_id=id, outcome="solved")


def wants(bus: Bus, who: str = "c-0", team: str = TEAM) -> None:
    bus.tell(who, chats(conversation_id=who))
    bus.tell(who, escalated(who, team=team))


def kept(bus: Bus, kind: type[Data], subject: str | None = None) -> Event:
    """All is told up to the first of these, which is on its way for long."""
    while True:
        for event in bus.pending:
            if isinstance(event.data, kind) and subject in (None, event.subject):
                bus.pending.remove(event)
                return event
        assert bus.pending, kind
        bus.deliver(0)


def nobody_keeps(bus: Bus, *names: str) -> None:
    """Room, or in any state of a team or an agent a word of these."""
    bus.agree()
    for id, state in bus.worker.states.items():
        if id.startswith("team/"):
            assert state.holders == {}
            assert [one.carries for one in state.agents.values() if one.carries] == []
        if id.startswith("agent/"):
            assert [one for one in state.held.values() if one.holds] == []
        if id.startswith(("team/", "agent/")):
            assert [name for name in names if f"{name} " in str(state)] == []


def forgotten(bus: Bus) -> None:
    """An hour goes by, and Ann and both teams are told of something else."""
    bus.after(LATE)
    for team in TEAMS:
        wants(bus, "c-9", team)
        bus.tell("c-9", ConversationAssigned(conversation_id="c-9", agent_id="ann", manual=True))
        bus.tell("c-9", closed("c-9"))
        bus.settle()


def arrive(bus: Bus, *late: Event) -> None:
    """Over an hour later, when all of before is forgotten; each then has its time."""
    for event in late:
        bus.settle()
        forgotten(bus)
        bus.pending.append(event)
    bus.settle()


def moves(bus: Bus, to: str = "night") -> None:
    bus.tell(to, agent("ann"))


@pytest.mark.parametrize("late", [AgentGoneRequested, AgentJoinRequested])
@pytest.mark.parametrize("end", ["closed", "erased", "merged", "skills"])
def test_a_choice_that_goes_with_an_agent_hours_late_takes_no_room(late: type[Data], end: str) -> None:
    """Ann was chosen and has changed teams; that it came to nothing is heard, and forgotten, before it comes
    to her next team that she was chosen."""
    bus = Bus()
    bus.tell(TEAM, agent("ann"))
    bus.settle()
    wants(bus)
    choice = kept(bus, RoutingAssignRequested)
    moves(bus)
    word = kept(bus, late)
    ends: dict[str, Data] = {
        "closed": closed("c-0"),
        "erased": CustomerErased(),
        "merged": CustomerMerged(into="c-1", reason="r"),
        "skills": escalated("c-0", skills=["law"]),
    }
    bus.tell("c-0", ends[end])
    arrive(bus, choice, word)
    if end in ("merged", "skills"):
        who = "c-1" if end == "merged" else "c-0"
        bus.tell(who, closed("c-0"))
        bus.settle()
    nobody_keeps(bus, *(["c-0"] if end == "erased" else []))
    wants(bus, "c-2", "night")
    bus.settle()
    assert [event.subject for event in bus.decided][-1] == "c-2"


@pytest.mark.parametrize("late", [AgentGoneRequested, AgentJoinRequested])
@pytest.mark.parametrize("merges", [False, True])
def test_what_an_agent_had_goes_with_them_hours_late(late: type[Data], merges: bool) -> None:
    bus = Bus()
    bus.tell(TEAM, agent("ann", total=2))
    bus.settle()
    wants(bus)
    bus.settle()
    bus.tell("night", agent("ann", total=2))
    word = kept(bus, late)
    if merges:
        bus.tell("c-0", CustomerMerged(into="c-1", reason="r"))
        arrive(bus, word)
        assert [len(one.carries) for one in bus.leased("ann")] == [1], "once, by their name of now"
    bus.tell("c-1" if merges else "c-0", closed("c-0"))
    arrive(bus, *([] if merges else [word]))
    nobody_keeps(bus)


@pytest.mark.parametrize("late", [AgentLoadRequested, RoutingNewsRequested])
@pytest.mark.parametrize("erased", [False, True])
@pytest.mark.parametrize("team", [TEAM, None])
def test_a_yes_that_is_hours_late(late: type[Data], erased: bool, team: str | None) -> None:
    """Given by hand, to an agent of a team, or of none, and ended before it is heard of."""
    bus = Bus()
    if team is not None:
        bus.tell(team, agent("ann"))
    bus.settle()
    wants(bus)
    choice = None if team is None else kept(bus, RoutingAssignRequested)
    bus.tell("c-0", ConversationAssigned(conversation_id="c-0", agent_id="ann", manual=True))
    word = kept(bus, late)
    bus.tell("c-0", CustomerErased() if erased else closed("c-0"))
    arrive(bus, *([] if choice is None else [choice]), word)
    nobody_keeps(bus, *(["c-0"] if erased else []))


def test_an_offer_that_is_hours_late_is_declined_to_team_and_agent() -> None:
    """The agent still knows better, and says it to nobody anew."""
    bus = Bus()
    bus.tell(TEAM, agent("ann"))
    bus.settle()
    wants(bus)
    offer = bus.pending.pop(0)
    bus.tell("c-0", ConversationAssigned(conversation_id="c-0", agent_id="ann", manual=True))
    bus.tell("c-0", closed("c-0"))
    last = [one for one in bus.pending if one.subject == "ann"][-1]
    bus.pending.remove(last)
    bus.settle()
    forgotten(bus)
    bus.pending += [last]
    bus.settle()
    bus.pending.append(offer)
    bus.settle()
    nobody_keeps(bus)


def test_a_choice_anew_goes_with_an_agent_who_had_it_just_now() -> None:
    """That they have it no more, as it waits again, ends no choice of what waits."""
    bus = Bus()
    bus.tell(TEAM, agent("ann"))
    bus.settle()
    wants(bus)
    bus.settle()
    bus.tell("c-0", ConversationReturned(conversation_id="c-0", to="queue", reason="not now"))
    bus.settle()
    bus.after(3)  # nobody else has taken it
    choice = kept(bus, RoutingAssignRequested)
    moves(bus)
    bus.settle()
    wants(bus, "c-1", "night")
    bus.settle()
    bus.pending.append(choice)
    bus.settle()
    always(bus)
    bus.agree()


def test_that_it_waits_again_ends_no_choice_of_the_team_that_asks() -> None:
    """She goes home and is back, which asks; meanwhile it came back to the queue, and she is chosen anew."""
    bus = Bus()
    bus.tell(TEAM, agent("ann"))
    bus.settle()
    wants(bus)
    bus.settle()
    bus.tell(TEAM, agent("ann", on_shift=False))
    gone_home = kept(bus, RoutingReturnRequested)
    bus.tell(TEAM, agent("ann"))
    back = kept(bus, RoutingReturnRequested)
    bus.tell("c-0", ConversationReturned(conversation_id="c-0", to="queue", reason="not now"))
    bus.settle()
    bus.after(3)
    choice = kept(bus, RoutingAssignRequested)
    bus.pending += [gone_home, back]
    bus.settle()
    wants(bus, "c-1")
    bus.settle()
    bus.pending.append(choice)
    bus.settle()
    always(bus)
    bus.agree()


KINDS = ("wants", "wants", "closed", "moves", "queue", "by hand", "other team")
OFTEN = st.lists(st.tuples(st.integers(0, 9), st.sampled_from([False, False, True])), max_size=5)
histories = st.lists(
    st.tuples(
        st.sampled_from(KINDS),
        st.sampled_from(["c-0", "c-1", "c-2"]),
        st.sampled_from(["ann", "bob"]),
        st.sampled_from(TEAMS),
        OFTEN,
        st.sampled_from([0, 0, 0, 3, LATE, 150]),
    ),
    min_size=5,
    max_size=25,
)
History = list[tuple[str, str, str, str, list[tuple[int, bool]], int]]


@settings(max_examples=examples(60), deadline=None)
@given(histories)
def test_capacity_holds_and_in_the_end_nobody_keeps_room(history: History) -> None:
    bus = Bus()
    bus.tell("care", agent("ann"))
    bus.tell("care", agent("bob", total=2))
    bus.settle()
    for kind, who, agent_id, team, deliveries, minutes in history:
        facts: dict[str, tuple[str, Data]] = {
            "wants": (who, escalated(who)),
            "other team": (who, escalated(who, team=team)),
            "closed": (who, closed(who)),
            "queue": (who, ConversationReturned(conversation_id=who, to="queue", reason="no")),
            "by hand": (who, ConversationAssigned(conversation_id=who, agent_id=agent_id, manual=True)),
            "moves": (team, agent(agent_id, total=TOTALS[agent_id])),
        }
        subject, fact = facts[kind]
        if kind == "wants":
            bus.tell(who, chats(conversation_id=who))
        bus.tell(subject, fact)
        for place, again in deliveries:
            bus.deliver(place, again=again)
            always(bus)
        bus.after(minutes)
    bus.settle()
    always(bus)
    bus.agree()
    for who in ("c-0", "c-1", "c-2"):
        bus.tell(who, closed(who))
    bus.settle()
    nobody_keeps(bus)
    assert bus.worker.dead_letters == []


def test_states_of_both_versions_read_each_other() -> None:
    """What the version before knows nothing of it leaves out, and reads the rest."""
    carried = {"customer_id": "", "conversation_id": "", "revision": 3, "at": 1}
    before = {"carried": carried, "holds": False, "heard_at": 5}
    assert not Held.model_validate(before).offered
    now = Held.model_validate(before | {"offered": True})
    assert now.model_dump().keys() - before.keys() == {"offered"}
    assert Held.model_validate_json(now.model_dump_json()) == now
