"""Conversations as a list shows them: whose turn it is, and how much time is left. Pure."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.interactions.domain.complaints.promises import course_of
from services.interactions.domain.complaints.standing import standing
from services.interactions.domain.conversations.conversation import Conversation
from services.interactions.domain.conversations.course import course
from services.interactions.domain.conversations.promises import clocks_of
from services.interactions.domain.desk.policy import NORMAL, Desk
from services.interactions.domain.owners import owner_of_message
from services.interactions.domain.people import CustomerRow
from services.interactions.domain.rows import ConversationRow, TimelineRow
from services.interactions.domain.sla.course import Clock
from services.interactions.domain.sla.policy import Sla
from services.interactions.domain.state import Customer
from shared.schemas.times import Micros, maybe_moment, micros, moment

LINE = 160
"""Characters of it."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the queue. ``due_at`` is of the clock that is, or was, due first; where none runs, both are
    None."""

    conversation_id: str
    customer_id: str
    name: str
    line: str | None
    """The beginning of what was said last."""
    status: str
    handled_by: str
    agent_id: str | None
    team: str | None
    priority: str | None
    channel: str | None
    skills: tuple[str, ...]
    """What the agent needs whom it waits for."""
    since: datetime | None
    """Since when it has waited."""
    snoozed: bool
    snoozed_until: datetime | None
    opened_at: datetime
    updated_at: datetime
    clock: str | None = None
    due_at: datetime | None = None


def entries(
    rows: Sequence[ConversationRow],
    names: Mapping[str, CustomerRow],
    states: Mapping[str, Customer],
    said: Mapping[str, TimelineRow],
    sla: Sla,
    now: datetime,
) -> list[Entry]:
    """``names`` and ``states`` by the customer's id, what was ``said`` last by the row's key: of those who
    have none, less is shown. Our turn comes first, then what is due first."""
    made = [
        _entry(row, names.get(row.customer_id), states.get(row.customer_id), said.get(row.key), sla, now)
        for row in rows
    ]
    return sorted(made, key=lambda one: (one.status != "assigned", one.due_at is None, one.due_at or now))


def _entry(
    row: ConversationRow,
    name: CustomerRow | None,
    state: Customer | None,
    said: TimelineRow | None,
    sla: Sla,
    now: datetime,
) -> Entry:
    found = None if state is None else course(state.conversations).of(row.conversation_id)
    due = None if state is None or found is None else due_of(state, found, sla, micros(now))
    return Entry(
        conversation_id=row.conversation_id,
        customer_id=row.customer_id,
        name=(name.name if name is not None else None) or row.customer_id,
        line=_line(said) or (None if found is None else _subject(found)),
        status=row.status,
        handled_by=row.handled_by,
        agent_id=row.agent_id,
        team=row.team,
        priority=row.priority,
        channel=row.channel,
        skills=tuple(row.skills),
        since=maybe_moment(row.since),
        snoozed=row.snoozed,
        snoozed_until=maybe_moment(row.snoozed_until),
        opened_at=moment(row.opened_at),
        updated_at=moment(row.updated_at),
        clock=None if due is None else due.clock,
        due_at=None if due is None else maybe_moment(due.due_at),
    )


def waiting_first(found: Sequence[Entry], desk: Desk) -> list[Entry]:
    """Those who will come first come first: a step of priority is worth ``ageing`` of waiting."""

    def place(one: Entry) -> tuple[Micros, Micros]:
        since = micros(one.since or one.updated_at)
        return since + desk.ranks[one.priority or NORMAL] * desk.priorities.ageing, since

    return sorted(found, key=place)


def last_said(
    rows: Iterable[ConversationRow], states: Mapping[str, Customer]
) -> dict[str, tuple[str, Micros]]:
    """The customer of each conversation, and when something was said in it last, by the row's key."""
    found = dict[str, tuple[str, Micros]]()
    for row in rows:
        state = states.get(row.customer_id)
        here = None if state is None else course(state.conversations).of(row.conversation_id)
        if state is not None and here is not None and here.messages:
            last = here.messages[-1]
            found[row.key] = owner_of_message(state, last.key), last.at
    return found


def due_of(customer: Customer, found: Conversation, sla: Sla, now: Micros) -> Clock | None:
    """The clock that is due first: of the complaints made in a conversation, else its own."""
    here = course(customer.conversations)
    complaints = [
        one
        for one in customer.complaints
        if one.conversation_id is not None
        and here.survivor(one.conversation_id) == found.conversation_id
        and standing(one).open
    ]
    if found.status == "closed":
        return None
    courses = [course_of(sla, customer, one, now) for one in complaints] or [
        clocks_of(customer, found, sla, now)
    ]
    return _first(clock for one in courses for clock in (one.late, one.next_due))


def _first(clocks: Iterable[Clock | None]) -> Clock | None:
    going = [clock for clock in clocks if clock is not None and clock.due_at is not None]
    return min(going, key=lambda clock: clock.due_at or 0, default=None)


def _line(said: TimelineRow | None) -> str | None:
    """The beginning of what was said, on one line."""
    if said is None:
        return None
    told = json.loads(said.data)
    return " ".join(str(told.get("text") or told.get("summary") or "").split())[:LINE] or None


def _subject(found: Conversation) -> str | None:
    return next((m.subject for m in reversed(found.messages) if m.subject), None)
