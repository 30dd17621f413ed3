"""The documents that the API reads, written and read back here, and what a search for customers looks at.

Lists are sorted by one string made of time and name (``place``, ``order``), so that a list is one range of
one index and pages never shift.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Self

import msgspec

from services.interactions.domain.complaints.standing import standing
from services.interactions.domain.conversations.conversation import Conversation, HandledBy
from services.interactions.domain.conversations.conversation import Status as ConversationStatus
from services.interactions.domain.erasing import elsewhere
from services.interactions.domain.routing.told import Routed
from services.interactions.domain.state import Complaint
from shared.domain import Collection
from shared.facts.complaints import Status
from shared.merging.rows import MERGED
from shared.schemas.complaints import ClockName
from shared.schemas.times import Micros

TIMELINE = "timeline"
COMPLAINTS = "complaints"
CONVERSATIONS = "conversations"
CUSTOMERS, SEARCH = "customers", "search"
TASKS, AGENTS, PRESENCE = "tasks", "agents", "presence"
RECORDS, STORIES, FEEDBACK = "records", "stories", "feedback"
WORK, ARRIVALS = "work", "arrivals"
MAILS, DUPLICATES, ORDERS = "mails", "duplicates", "orders"
EXPORTS, ERASURES = "exports", "erasures"

COLLECTIONS = (
    Collection(
        TIMELINE,
        owner="customer",
        personal=("data", "summary", "extensions"),
        indexes=("place", "told"),
        names=("names",),
        without=elsewhere.nameless,
    ),
    Collection(
        COMPLAINTS,
        owner="customer",
        personal=("summary",),
        indexes=("complaint_id", "status,-order", "-order", "due", "assignee,due"),
    ),
    # What it is about is in its messages, which are the timeline's.
    Collection(
        CONVERSATIONS,
        owner="customer",
        personal=(),
        indexes=("conversation_id", "status,-order", "-order", "team,status,-order", "agent_id,-order"),
    ),
    Collection(CUSTOMERS, owner="_id", personal=("name", "email", "segment"), indexes=("id_key",)),
    Collection(SEARCH, owner="customer", personal=("key",), indexes=("key",)),
    Collection(
        TASKS,
        owner="customer",
        personal=("text", "outcome"),
        indexes=("task_id", "team,status,order", "status,order", "customer"),
        forget=elsewhere.forgotten_task,
    ),
    Collection(AGENTS, owner=None, personal=(), indexes=("agent_id", "team,agent_id")),
    # Written by the API: who is on a conversation just now.
    Collection(PRESENCE, owner="customer", personal=("name",), indexes=("customer", "until")),
    Collection(RECORDS, owner=None, personal=(), indexes=("agent_id", "team")),
    Collection(
        STORIES,
        owner="customer",
        personal=("text",),
        indexes=("team,-order", "agent_id,-order", "-order", "customer"),
    ),
    Collection(FEEDBACK, owner=None, personal=(), indexes=("agent_id,-order",)),
    Collection(ARRIVALS, owner=None, personal=(), indexes=("key",)),
    Collection(
        DUPLICATES,
        owner="customer",
        personal=(),
        indexes=("status,-order", "customer", "other"),
        also=("other",),
        forget=elsewhere.forgotten_pair,
    ),
    Collection(WORK, owner="customer", personal=(), indexes=("agent_id,-order",)),
    Collection(MAILS, owner="customer", personal=()),
    # Whose a shop's order is, which the order's own state says.
    Collection(
        ORDERS, owner="customer", personal=(), indexes=("customer",), forget=elsewhere.forgotten_order
    ),
    # Written by the API, for some hours: exports that are made, each a row, and a row for each piece.
    Collection(
        EXPORTS,
        owner="customer",
        personal=("copied",),
        indexes=("customer",),
        expires=("until", timedelta(0)),
    ),
    # Keyed by the hash of an erased id: it says nothing of whose it is.
    Collection(ERASURES, owner=None, personal=(), indexes=("waiting", "-order")),
    MERGED,
)

NEVER: Micros = 253_402_300_800_000_000
"""The year 10000: where what has no due time stands among what has one."""
_YEAR_1 = 62_135_596_800_000_000
"""Microseconds from year 1 to 1970: added, so that a sort key never holds a minus sign."""


class Row(msgspec.Struct, frozen=True):
    """A document; a field that is None is left out where the class omits defaults."""

    def document(self) -> dict[str, Any]:
        """As it is stored."""
        document: dict[str, Any] = msgspec.to_builtins(self)
        return document

    @classmethod
    def read(cls, documents: Sequence[Mapping[str, Any]]) -> list[Self]:
        """Stored documents as rows. Raises ``msgspec.ValidationError``."""
        return [msgspec.convert(document, cls) for document in documents]


class TimelineRow(Row, frozen=True, omit_defaults=True):
    """An event as people are shown it."""

    uid: str = msgspec.field(name="_id")
    """The event's source and id."""
    place: str
    """``<customer> <time> <event>``: orders a customer's rows exactly. One index on it serves every read of a
    customer, and each index costs as much as the row itself."""
    customer_id: str = msgspec.field(name="customer")
    at: Micros
    type: str
    summary: str
    """One line, plain text as the sources gave it."""
    data: str
    """JSON text as it was told."""
    source: str
    id: str
    channel: str | None = None
    complaint_id: str | None = None
    """Of a complaint's facts that have an effect."""
    conversation_id: str | None = None
    """Of a message: the conversation that its source named, or one of its own. Where it is by now follows
    from the customer's state."""
    note: str | None = None
    """Why the event has no effect, or not all of it, where that is so."""
    extensions: str | None = None
    """The event's other attributes as JSON text, where it has any."""
    nth: int | None = None
    """Of the facts that make the past: its place among the customer's of its topic, as they were heard."""
    heard: Micros | None = None
    """Of those, when it was heard, if its own time had not passed by then."""
    told: str | None = None
    """``<type> <time> <event>``: orders the rows of a type, of all customers. None in rows of before that."""
    names: tuple[str, ...] = ()
    """Other customers whom the event names."""


class ComplaintRow(Row, frozen=True):
    """A complaint in brief. Ids of complaints come from many sources and may meet: the customer is part of
    ``_id``."""

    key: str = msgspec.field(name="_id")
    customer_id: str = msgspec.field(name="customer")
    order: str
    overdue: bool
    complaint_id: str
    status: Status
    channel: str
    category: str
    severity: str
    summary: str
    order_id: str | None
    assignee: str | None
    opened_at: Micros
    updated_at: Micros
    acknowledged_at: Micros | None
    resolved_at: Micros | None
    closed_at: Micros | None
    waiting: bool = False
    next_due: Micros | None = None
    next_clock: ClockName | None = None
    """The clock that falls due next, and when."""
    late_since: Micros | None = None
    late_clock: ClockName | None = None
    """Of the clocks that ran out, and whose step has not been taken since, the one that was due first."""
    due: str | None = None
    """Its place among those that are open: by what was due first or will be; those of which nothing is due
    come last, the first opened first. None of those that are over."""
    approvals: list[dict[str, Any]] = msgspec.field(default_factory=list)
    """Compensation that waits, each as ``state.Approval`` in JSON."""


class ConversationRow(Row, frozen=True):
    """A conversation in brief. Ids come from many sources and may meet: the customer is part of ``_id``."""

    key: str = msgspec.field(name="_id")
    customer_id: str = msgspec.field(name="customer")
    order: str
    conversation_id: str
    status: ConversationStatus
    handled_by: HandledBy
    agent_id: str | None
    team: str | None
    priority: str | None
    channel: str | None
    opened_at: Micros
    updated_at: Micros
    closed_at: Micros | None
    snoozed: bool = False
    snoozed_until: Micros | None = None
    """When it comes back by itself; None: when the customer writes."""
    into: str | None = None
    """The conversation that it is part of by now, or itself where nothing is left of it: it is in no list."""
    since: Micros | None = None
    """Where it wants an agent: since when."""
    skills: list[str] = msgspec.field(default_factory=list)
    """What that agent needs."""
    language: str | None = None
    difficult: bool = False
    takes: int = 1_000


def complaint_row(customer_id: str, complaint: Complaint, owner: str | None = None) -> ComplaintRow:
    """``owner``: whom it was told of, where that id was merged into the customer's: the row stays its own."""
    key, now = f"{complaint.complaint_id} {owner or customer_id}", standing(complaint)
    return ComplaintRow(
        key=key,
        customer_id=customer_id,
        order=sort_key(complaint.opened_at, key),
        overdue=complaint.overdue,
        complaint_id=complaint.complaint_id,
        status=now.status,
        channel=complaint.channel,
        category=now.category,
        severity=now.severity,
        summary=complaint.summary,
        order_id=complaint.order_id,
        assignee=now.assignee,
        opened_at=complaint.opened_at,
        updated_at=now.updated_at,
        acknowledged_at=now.acknowledged_at,
        resolved_at=now.resolved_at,
        closed_at=now.closed_at,
        waiting=complaint.waiting,
        next_due=complaint.next_due,
        next_clock=complaint.next_clock,
        late_since=complaint.late_since,
        late_clock=complaint.late_clock,
        due=_due(complaint, key) if now.open else None,
        approvals=[one.model_dump(mode="json", exclude_none=True) for one in complaint.approvals],
    )


def _due(complaint: Complaint, key: str) -> str:
    due = [at for at in (complaint.late_since, complaint.next_due) if at is not None]
    return sort_key(min(due), key) if due else sort_key(NEVER, sort_key(complaint.opened_at, key))


def conversation_row(
    customer_id: str,
    one: Conversation,
    routed: Routed | None = None,
    into: str | None = None,
    owner: str | None = None,
) -> ConversationRow:
    """``routed``: what was told of it to teams; that says which has it. ``owner``: as ``complaint_row``'s."""
    wanted = routed.wanted if routed is not None and one.wanted else None
    key = f"{one.conversation_id} {owner or customer_id}"
    return ConversationRow(
        key=key,
        customer_id=customer_id,
        order=sort_key(one.opened_at, key),
        conversation_id=one.conversation_id,
        status=one.status,
        handled_by=one.handled_by,
        agent_id=one.agent_id,
        team=(None if routed is None else routed.team) or one.team,
        priority=one.priority if wanted is None else wanted.priority,
        channel=one.channel,
        opened_at=one.opened_at,
        updated_at=one.updated_at,
        closed_at=one.closed_at,
        snoozed=one.snooze is not None,
        snoozed_until=None if one.snooze is None else one.snooze.until,
        into=into,
        since=None if wanted is None else wanted.since,
        skills=list(one.skills if wanted is None else wanted.skills),
        language=one.language if wanted is None else wanted.language,
        difficult=False if wanted is None else wanted.difficult,
        takes=1_000 if routed is None else routed.takes,
    )


def sort_key(at: Micros, name: str) -> str:
    """Unique: by time, then by name."""
    return f"{at + _YEAR_1:018d} {name}"
