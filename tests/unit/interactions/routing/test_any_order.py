"""What must hold of any history, whatever order what is told comes in: capacity, one team at a time, that
teams know what is so in the end, that room that is free is used, calm."""

from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from services.interactions.config import parse_desk
from shared.schemas.base import Data
from shared.schemas.interactions import (
    ConversationAssigned,
    ConversationClosed,
    ConversationReturned,
    InteractionLogged,
)
from tests.examples import examples
from tests.unit.interactions.talk import escalated

from .bus import Bus
from .floor import agent, chats

DESK = parse_desk(
    """
teams: [{id: care, default: true, overflow: {to: night, after: 20m}}, {id: night}]
calm: {in_a_row: 2, rest: 30m, a_day: 4, pause: 5m}
"""
)
TOTALS = {"ann": 1, "bob": 2, "cyd": 3}
TALKS = [f"c-{n}.{letter}" for n in range(3) for letter in "abc"]
"""Conversations; each begins with its customer's id."""
TEAMS = ["care", "night"]


class Act(NamedTuple):
    """Something that happens: to which conversation, when it was by its own clock, and how much of what waits
    is delivered afterwards, from which places, and whether some of it comes twice."""

    kind: str
    who: str
    agent: str
    team: str
    flag: bool
    ago: int
    deliver: list[tuple[int, bool]]


OFTEN = ("wants", "wants", "wants", "closed")
kinds = st.sampled_from(
    [*OFTEN, *OFTEN, "agent", "agent", "queue", "bot", "by hand", "answers", "writes", "home", "time"],
)
acts = st.lists(
    st.builds(
        Act,
        kinds,
        st.sampled_from(TALKS),
        st.sampled_from(list(TOTALS)),
        st.sampled_from(TEAMS),
        st.booleans(),
        st.sampled_from([0, 0, 0, 0, 1, 30]),
        st.lists(st.tuples(st.integers(0, 9), st.sampled_from([False, False, True])), max_size=12),
    ),
    min_size=10,
    max_size=60,
)


def told(act: Act) -> tuple[str, list[Data]]:
    """Whom it is about, and what."""
    id, skills = act.who, ["law"] if act.flag else []
    who = id.partition(".")[0]
    match act.kind:
        case "agent":
            fields: dict[str, Any] = {"total": TOTALS[act.agent], "on_break": act.flag}
            return act.team, [agent(act.agent, skills={"law": 5} if act.ago == 0 else {}, **fields)]
        case "home":
            return act.team, [agent(act.agent, total=TOTALS[act.agent], on_shift=False)]
        case "wants":
            team = act.team if act.flag else None
            angry = -0.9 if act.ago else 0.5
            mood = chats(conversation_id=id, sentiment=angry)
            return who, [mood, escalated(id, team=team, skills=skills if act.agent == "ann" else [])]
        case "closed":
            return who, [ConversationClosed(conversation_id=id, outcome="solved")]
        case "queue" | "bot":
            to: Any = act.kind
            return who, [ConversationReturned(conversation_id=id, to=to, reason="not mine")]
        case "by hand":
            return who, [ConversationAssigned(conversation_id=id, agent_id=act.agent, manual=True)]
        case "answers":
            return who, [answered(id, act.agent)]
        case _:
            return who, [chats(conversation_id=id)]


def answered(id: str, agent_id: str) -> InteractionLogged:
    return chats("done", direction="outbound", author="agent", agent_id=agent_id, conversation_id=id)


def play(history: list[Act]) -> Bus:
    """It happens; what must hold at every moment is looked at."""
    bus = Bus(DESK)
    for agent_id, total in TOTALS.items():
        bus.tell("care", agent(agent_id, total=total, skills={"law": 5}))
    bus.settle()
    for act in history:
        if act.kind == "time":
            bus.after(1 + act.ago)
        else:
            whom, data = told(act)
            for one in data:
                bus.tell(whom, one, act.ago if act.kind in ("agent", "home") else 0)
                always(bus)
        for place, again in act.deliver:
            bus.deliver(place, again=again)
            always(bus)
    return bus


def always(bus: Bus) -> None:
    for agent_id, total in TOTALS.items():
        assert bus.automatic(agent_id) <= total, "routing never gives an agent more than they can carry"
        assert len(bus.leased(agent_id)) <= 1, "an agent is in one team at a time"


@settings(max_examples=examples(150), deadline=None)
@given(acts)
def test_capacity_holds_and_in_the_end_teams_know_what_is_so(history: list[Act]) -> None:
    bus = play(history)
    bus.settle()
    always(bus)
    bus.agree()
    assert bus.still_possible() == 0, "room that is free was used at once"
    bus.after(3 * 24 * 60)
    bus.settle()
    bus.agree()
    assert bus.still_possible() == 0
    assert bus.worker.dead_letters == []


@settings(max_examples=examples(150), deadline=None)
@given(acts)
def test_calm_holds(history: list[Act]) -> None:
    """Of what is decided, in its order: no more hard ones in a row and a day than the desk's file says."""
    bus = play(history)
    bus.settle()
    calm = DESK.calm
    came: dict[str, list[tuple[datetime, bool]]] = defaultdict(list)
    for event in bus.decided:
        data = event.data
        assert isinstance(data, ConversationAssigned)
        came[data.agent_id].append((event.time, bool(data.why.get("difficult"))))
    for contacts in came.values():
        for place, (at, _) in enumerate(contacts):
            day = [hard for when, hard in contacts[: place + 1] if when > at - timedelta(days=1)]
            assert sum(day) <= calm.a_day
        row, last = 0, None
        for at, hard in contacts:
            rested = last is None or at - last >= timedelta(microseconds=calm.rest)
            row = (1 if rested else row + 1) if hard else 0
            last = at if hard else last
            assert row <= calm.in_a_row


def test_that_one_does_not_have_it_does_not_take_it_from_another() -> None:
    """Reserved for Bob while Ann answers by herself: that he has it not comes by way of his own state."""
    bus = Bus(DESK)
    for agent_id in ("ann", "bob"):
        bus.tell("care", agent(agent_id))
    bus.settle()
    bus.tell("c-0", escalated("c-0"))
    bus.tell("c-4", chats(conversation_id="c-4"))
    bus.tell("c-4", escalated("c-4"))
    bus.deliver(0)
    bus.deliver(0)
    bus.tell("c-4", answered("c-4", "ann"))
    bus.settle()
    assert sorted(bus.had()) == ["c-0 c-0", "c-4 c-4"]
    bus.agree()


def test_a_choice_for_what_has_changed_meanwhile_does_not_hold() -> None:
    bus = Bus(DESK)
    bus.tell("care", agent("ann"))
    bus.settle()
    bus.tell("c-0", escalated("c-0"))
    bus.deliver(0)  # the offer: Ann is chosen
    bus.tell("c-0", escalated("c-0", skills=["law"]))  # which Ann does not know
    bus.settle()
    assert (bus.had(), bus.decided) == ({}, [])
    bus.agree()


def test_a_choice_that_does_not_hold_ends_no_later_one() -> None:
    """Ann is chosen again, for how it stands by now, before the first no is heard: in Kafka's order."""
    bus = Bus(DESK)
    bus.tell("care", agent("ann"))
    bus.settle()
    bus.tell("c-1", chats(conversation_id="c-1"))
    bus.tell("c-0", chats(conversation_id="c-0"))
    bus.tell("c-0", escalated("c-0"))
    bus.deliver(0)  # the offer: Ann is chosen
    bus.tell("c-1", escalated("c-1"))
    bus.deliver(1)  # it waits for room
    bus.tell("c-0", chats("hurry up", conversation_id="c-0", sentiment=-0.9))
    while bus.pending:
        bus.deliver(0)
        always(bus)
    assert len(bus.had()) == 1
    bus.agree()
