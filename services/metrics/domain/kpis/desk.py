"""What agents have in their hands."""

from collections.abc import Iterator
from datetime import date

from services.metrics.domain.cells import CARRIED, Change
from services.metrics.domain.kpis.kpi import Kind, Kpi, Result, TalkCounts
from services.metrics.domain.kpis.window import Window
from services.metrics.domain.state import Talk
from services.metrics.domain.turns import TAKEN
from shared.schemas.interactions import (
    ConversationAssigned,
    ConversationClosed,
    ConversationEscalated,
    ConversationMerged,
    ConversationReturned,
)

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
)


def _carried(w: Window) -> Result:
    return Result(w.level(CARRIED), w.level(CARRIED))


def _assigned(w: Window) -> Result:
    return Result(w.total(ASSIGNED), w.total(ASSIGNED))


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
