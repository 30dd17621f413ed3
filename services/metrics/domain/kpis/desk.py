"""What agents have in their hands."""

from collections.abc import Iterator
from datetime import date

from services.metrics.domain.cells import AT_WORK, CARRIED, Change
from services.metrics.domain.kpis.kpi import AgentCounts, Kind, Kpi, Result, TalkCounts
from services.metrics.domain.kpis.shares import share
from services.metrics.domain.kpis.window import Window
from services.metrics.domain.state import Agent, Talk
from services.metrics.domain.turns import TAKEN
from shared.schemas.interactions import (
    ConversationAssigned,
    ConversationClosed,
    ConversationEscalated,
    ConversationMerged,
    ConversationReturned,
)
from shared.schemas.teams import AgentChanged

ASSIGNED = "assigned"


def counted(talk: Talk) -> Iterator[Change]:
    """A conversation, from when an agent took it until it is in nobody's hands; each time one took it."""
    carried = False
    for at, step in talk.hands:
        if step == TAKEN:
            yield at, ASSIGNED, 1
        if (step == TAKEN) is not carried:
            yield at, CARRIED, -1 if carried else 1
            carried = not carried


HANDS = TalkCounts(
    fields=(ASSIGNED, CARRIED),
    events=(
        ConversationEscalated,
        ConversationAssigned,
        ConversationReturned,
        ConversationClosed,
        ConversationMerged,
    ),
    count=counted,
    signed=(CARRIED,),
)


def at_work(agent: Agent) -> Iterator[Change]:
    """An agent, from when they are at work until they are not."""
    before = agent.before
    for at, is_at_work in agent.steps:
        if is_at_work is not before:
            yield at, AT_WORK, 1 if is_at_work else -1
            before = is_at_work


AGENTS = AgentCounts(fields=(AT_WORK,), events=(AgentChanged,), count=at_work, signed=(AT_WORK,))


def _carried(w: Window) -> Result:
    return Result(w.level(CARRIED), w.level(CARRIED))


def _assigned(w: Window) -> Result:
    return Result(w.total(ASSIGNED), w.total(ASSIGNED))


def _at_work(w: Window) -> Result:
    return Result(w.level(AT_WORK), w.level(AT_WORK))


def _load(w: Window) -> Result:
    agents = w.level(AT_WORK)
    return Result(share(w.level(CARRIED), agents), max(0, agents))


_SINCE = date(2026, 11, 26)

CONVERSATIONS_CARRIED = Kpi(
    name="conversations_carried",
    title="Conversations with agents",
    description="Conversations that agents have in their hands",
    formula="Conversations taken by an agent, and neither given back, merged into another nor closed since: "
    "now, or at the end of a step",
    unit="conversations",
    kind=Kind.COUNT,
    effective=_SINCE,
    counts=(HANDS,),
    compute=_carried,
)
CONVERSATIONS_TAKEN = Kpi(
    name="conversations_taken",
    title="Conversations taken",
    description="How often an agent took a conversation",
    formula="Assignments of conversations to agents, by routing, by hand, and anew",
    unit="assignments",
    kind=Kind.COUNT,
    effective=_SINCE,
    counts=(HANDS,),
    compute=_assigned,
)
AGENTS_AT_WORK = Kpi(
    name="agents_at_work",
    title="Agents at work",
    description="Agents who can take conversations",
    formula="Agents who are on shift and not on a break: now, or at the end of a step",
    unit="agents",
    kind=Kind.COUNT,
    effective=_SINCE,
    counts=(AGENTS,),
    compute=_at_work,
)
AGENTS_LOAD = Kpi(
    name="agents_load",
    title="Agents' load",
    description="How many conversations an agent at work has in hand",
    formula="Conversations that agents have / agents at work, now or at the end of a step: of all, or of a "
    "team",
    unit="conversations for each agent",
    effective=_SINCE,
    counts=(HANDS, AGENTS),
    compute=_load,
)
