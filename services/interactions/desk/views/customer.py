"""A customer, as somebody who is about to talk to them needs to see them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from services.interactions.desk.views.board import Card, card
from services.interactions.desk.views.due import Due, due
from services.interactions.desk.views.happened import Happened, story
from services.interactions.desk.views.orders import Order, orders
from services.interactions.desk.views.preferences import Preference, preferences
from services.interactions.desk.views.unsent import Unsent, unsent
from services.interactions.domain.activity.unusable import Unusable
from services.interactions.domain.complaints.promises import course_of
from services.interactions.domain.complaints.standing import standing
from services.interactions.domain.conversations.conversation import Conversation
from services.interactions.domain.conversations.course import course as talks_of
from services.interactions.domain.rows import TimelineRow, complaint_row
from services.interactions.domain.sla.course import Clock
from services.interactions.domain.sla.policy import Sla
from services.interactions.domain.state import Complaint, Customer, altered
from services.interactions.models.customers import ConsentView, CustomerView, customer_view
from shared.schemas.complaints import ClockName
from shared.schemas.times import maybe_moment, micros, moment
from shared.schemas.zones import zone_of

MOST_OPEN = 20
MOST_OVER = 10
"""Complaints, and conversations, that are shown of those that are open, and of those that are over."""


@dataclass(frozen=True, slots=True)
class ClockFace:
    """A promise as it stands; ``used``: the part of its time that is gone, 0 to 1."""

    clock: ClockName
    state: str
    due: Due
    used: float


@dataclass(frozen=True, slots=True)
class ComplaintBox:
    """A complaint with its clocks; one that is over has none."""

    card: Card
    clocks: tuple[ClockFace, ...]


@dataclass(frozen=True, slots=True)
class Talk:
    """A conversation in a line. ``subject``: of the last message that had one."""

    conversation_id: str
    status: str
    handled_by: str
    agent_id: str | None
    channel: str | None
    subject: str | None
    messages: int
    opened_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Allowed:
    """What the customer says to messages of one purpose, channel by channel, and then topic by topic."""

    purpose: str
    words: tuple[ConsentView, ...]


@dataclass(frozen=True, slots=True)
class Person:
    """Who they are."""

    customer_id: str
    name: str | None
    initials: str
    email: str | None
    phone: str | None
    locale: str | None
    segment: str | None
    tags: tuple[str, ...]
    local_time: datetime | None
    """What their clocks say now, where their time zone is known."""
    born: date | None
    """Their birthday; of one told without its year, in the year 4, which has a 29 February."""
    preferred_channel: str | None


@dataclass(frozen=True, slots=True)
class CustomerPage:
    """All of the page but the timeline's further pages."""

    person: Person
    preferences: tuple[Preference, ...]
    allowed: tuple[Allowed, ...]
    all: CustomerView
    """The 360 as the API answers it, for what needs no other shape."""
    open: tuple[ComplaintBox, ...]
    """Complaints that somebody has to act on, by what is due first."""
    over: tuple[Card, ...]
    """Those that are over, the latest first."""
    over_count: int
    talks: tuple[Talk, ...]
    """Conversations that go on, the latest first; then those that are over."""
    orders: tuple[Order, ...]
    unsent: tuple[Unsent, ...]
    answers: tuple[Happened, ...]
    """What they answered when asked, the latest first."""


def customer_page(
    state: Customer,
    sla: Sla,
    now: datetime,
    *,
    bought: Sequence[TimelineRow] = (),
    dropped: Sequence[TimelineRow] = (),
    answered: Sequence[TimelineRow] = (),
    unusable: Sequence[Unusable] = (),
) -> CustomerPage:
    """``bought``: purchases and returns; ``dropped``: messages that did not go; ``answered``: surveys and
    reviews; each the latest first; ``unusable``: addresses that no message reaches."""
    every = customer_view(state, now, unusable)
    over = [c for c in state.complaints if not standing(c).open]
    over.sort(key=lambda c: (standing(c).updated_at, c.complaint_id), reverse=True)
    return CustomerPage(
        person=_person(state, every, now),
        preferences=preferences(every.profile.get("preferences")),
        allowed=_allowed(every.consents),
        all=every,
        open=_open(state, sla, now),
        over=tuple(card(complaint_row(state.customer_id, c), now) for c in over[:MOST_OVER]),
        over_count=len(over),
        talks=_talks(state),
        orders=orders(bought),
        unsent=tuple(unsent(row) for row in dropped),
        answers=story(answered),
    )


def _person(state: Customer, every: CustomerView, now: datetime) -> Person:
    profile = every.profile
    name = profile.get("name") or None
    return Person(
        customer_id=state.customer_id,
        name=name,
        initials=initials(name or state.customer_id),
        email=profile.get("email"),
        phone=profile.get("phone"),
        locale=profile.get("locale"),
        segment=profile.get("segment"),
        tags=tuple(profile.get("tags") or ()),
        local_time=_local(now, profile.get("timezone")),
        born=_birthday(profile.get("birthday")),
        preferred_channel=every.preferred_channel,
    )


def initials(name: str) -> str:
    """Ann Maria Lee -> AL."""
    words = [word for word in name.replace("-", " ").split() if word[0].isalnum()]
    ends = [words[0], *words[1:][-1:]] if words else ["?"]
    return "".join(word[0] for word in ends).upper()


def _local(now: datetime, timezone: str | None) -> datetime | None:
    where = zone_of(timezone)
    return None if where is None else now.astimezone(where)


def _birthday(told: str | None) -> date | None:
    if not told:
        return None
    try:
        return date.fromisoformat(f"0004-{told[2:]}" if told.startswith("--") else told)
    except ValueError:
        return None


def _allowed(consents: Sequence[ConsentView]) -> tuple[Allowed, ...]:
    ordered = sorted(consents, key=lambda c: (c.purpose, c.topic or "", c.channel))
    purposes = dict.fromkeys(c.purpose for c in ordered)
    return tuple(Allowed(one, tuple(c for c in ordered if c.purpose == one)) for one in purposes)


def _open(state: Customer, sla: Sla, now: datetime) -> tuple[ComplaintBox, ...]:
    found = [complaint_box(state, c, sla, now) for c in state.complaints if standing(c).open]
    found.sort(key=lambda box: (box.card.due.at is None, box.card.due.at or box.card.opened_at))
    return tuple(found[:MOST_OPEN])


def complaint_box(state: Customer, complaint: Complaint, sla: Sla, now: datetime) -> ComplaintBox:
    """With its clocks as they stand at ``now``."""
    course = course_of(sla, state, complaint, micros(now))
    late, due_next = course.late, course.next_due
    as_of_now = altered(
        complaint,
        late_since=None if late is None else late.due_at,
        late_clock=None if late is None else late.clock,
        next_due=None if due_next is None else due_next.due_at,
        next_clock=None if due_next is None else due_next.clock,
    )
    shown = card(complaint_row(state.customer_id, as_of_now), now)
    return ComplaintBox(shown, tuple(clock_face(clock, now) for clock in course.clocks))


def clock_face(clock: Clock, now: datetime) -> ClockFace:
    if clock.promised_by is not None:
        used = (micros(now) - clock.start) / max(clock.promised_by - clock.start, 1)
    else:
        used = clock.used / max(clock.duration, 1)
    return ClockFace(
        clock=clock.clock,
        state=clock.state,
        due=due(maybe_moment(clock.due_at), now, paused=clock.state == "paused"),
        used=min(max(used, 0.0), 1.0),
    )


def _talks(state: Customer) -> tuple[Talk, ...]:
    every = talks_of(state.conversations).open.values()
    ordered = sorted(every, key=lambda one: (one.updated_at, one.conversation_id), reverse=True)
    going = [one for one in ordered if one.status != "closed"]
    over = [one for one in ordered if one.status == "closed"]
    return tuple(_talk(one) for one in (*going[:MOST_OPEN], *over[:MOST_OVER]))


def _talk(one: Conversation) -> Talk:
    return Talk(
        conversation_id=one.conversation_id,
        status=one.status,
        handled_by=one.handled_by,
        agent_id=one.agent_id,
        channel=one.channel,
        subject=next((m.subject for m in reversed(one.messages) if m.subject), None),
        messages=len(one.messages),
        opened_at=moment(one.opened_at),
        updated_at=moment(one.updated_at),
    )
