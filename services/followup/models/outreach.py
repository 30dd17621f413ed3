"""Messages: asking for one, and what became of them."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

from pydantic import field_validator

from services.followup.domain.gate.sender import Found
from services.followup.domain.gate.verdicts import Hold
from services.followup.domain.messages.variables import checked
from services.followup.domain.state import Customer, Planned, Variable
from services.followup.errors import BAD_VARIABLES
from shared.http.paging import Page
from shared.schemas.base import Frozen, Id, Strict, Time
from shared.schemas.fields import Label
from shared.schemas.times import moment

Status = Literal[
    "scheduled", "waiting", "ready", "sending", "sent", "failed", "in_doubt", "suppressed", "cancelled"
]
"""``waiting``: it was due, and something holds it; ``ready``: it is on its way to its channel."""


class OutreachBody(Strict):
    """The body of ``POST /outreach``."""

    customer_id: Id
    template: Label
    channel: Id | None = None
    """Left out: the one that the customer prefers, if the template is written for that, else e-mail."""
    at: Time | None = None
    """Not before this time; now if left out."""
    variables: Mapping[str, Any] = {}
    """What the template shows: text, numbers, truth values."""

    @field_validator("variables")
    @classmethod
    def _usable(cls, value: Mapping[str, Any]) -> Mapping[str, Variable]:
        try:
            return checked(value)
        except ValueError as fault:
            raise ValueError(BAD_VARIABLES(fault=fault).detail) from None


class OutreachPlaced(Frozen):
    """A message by hand that was accepted."""

    outreach_id: str
    status: Literal["scheduled", "ready", "sent"]
    """Scheduled: decided at ``due_at``. Ready: on its way to the channel. Sent: a team has it as a task."""
    due_at: datetime


class WaitingAnswer(Frozen):
    """It was due, and is looked at again then."""

    reason: str
    """A step of the gate; of what is with its sender ``rate_limited``, the hours that have ended meanwhile,
    ``turn`` (others are before it) or ``retry`` (it was refused for now)."""
    until: datetime | None
    """As far as is known: about, where others are before it; null where nobody can know."""
    detail: str | None


class OutreachAnswer(Frozen):
    """What is known of one message."""

    outreach_id: str
    rule: str
    """``manual`` for what was sent by hand, ``reply`` for what an agent wrote in a conversation."""
    step: str | None = None
    """Which of its rule's steps it is; null where the rule has one message."""
    variant: str | None = None
    """Which of its rule's variants the customer gets; null where it has none."""
    template: str
    purpose: str
    channel: str
    status: Status
    due_at: datetime
    updated_at: datetime
    reason: str | None = None
    """Why it was suppressed or cancelled."""
    blocked_by: tuple[str, ...] = ()
    """All that stood in its way then, in the gate's order; the reason is the first."""
    next_at: datetime | None = None
    """When the reason alone would be over; null where it never is, or nobody can know."""
    waiting: WaitingAnswer | None = None
    """What holds one whose status is waiting."""
    mail: str | None = None
    """The message in whose e-mail it goes, or went, with others; null where it has its own."""
    attempt: int | None = None
    doubts: int | None = None
    """Tries before it of which nobody knows whether they reached the customer."""
    sent_at: datetime | None = None
    error: str | None = None
    """What went wrong last."""
    delivered_at: datetime | None = None
    """When it was heard that it arrived."""
    bounced_at: datetime | None = None
    """When it was heard that it came back."""
    bounce_kind: Literal["hard", "soft"] | None = None
    bounce_code: str | None = None
    """The status that was told, as 5.1.1 of RFC 3463."""
    complained_at: datetime | None = None
    """When it was heard that the customer called it unwanted."""


class Row(OutreachAnswer):
    """A message as its document has it."""

    not_before: datetime | None = None
    """When its sender looks at it again."""
    held: WaitingAnswer | None = None
    """What its sender has found to hold it, the last time."""

    def shown(self, waiting: WaitingAnswer | None) -> OutreachAnswer:
        told = self.model_dump(exclude={"not_before", "held", "waiting"})
        status = self.status if waiting is None else "waiting"
        return OutreachAnswer.model_validate({**told, "status": status, "waiting": waiting})


class OutreachPage(Page[OutreachAnswer]):
    """A customer's messages, and what stands in the way of any."""

    unusable: Mapping[str, str] = {}
    """Of each channel that cannot use the address that is known, or not for marketing: why not."""


Look = Callable[[Row], Awaitable[WaitingAnswer | None]]
"""What holds one that is ready, and due, with its sender."""
TURN = timedelta(seconds=2)
"""So long a message may be ready without waiting for anything."""


async def as_shown(
    rows: Sequence[Row], customer: Customer | None, status: str | None, now: datetime, look: Look
) -> list[OutreachAnswer]:
    """The rows with what holds those that wait; and those that wait and are told of only when they are
    decided, which have no row. Of ``status`` alone, where one is given; the latest due first."""
    held = {one.outreach_id: one for one in customer.planned if one.held is not None} if customer else {}
    waits: dict[str, WaitingAnswer | None] = {}
    for row in rows:
        planned = held.pop(row.outreach_id, None)
        known = _waiting(planned) if planned is not None else await _with_sender(row, now, look)
        waits[row.outreach_id] = known
    # What goes in another's mail waits as that does.
    found = [row.shown(waits[row.outreach_id] or waits.get(row.mail or "")) for row in rows]
    if status in (None, "waiting"):
        found += [_silent(planned) for planned in held.values() if not planned.announced]
    shown = [one for one in found if status in (None, one.status)]
    return sorted(shown, key=lambda one: (one.due_at, one.outreach_id), reverse=True)


async def _with_sender(row: Row, now: datetime, look: Look) -> WaitingAnswer | None:
    """What holds a message that was decided to go."""
    if row.status != "ready" or row.not_before is None:
        return None
    if row.not_before <= now:
        return await look(row)
    if row.held is not None and row.held.until == row.not_before:
        return row.held
    return WaitingAnswer(reason="retry", until=row.not_before, detail=row.error)


def turn(row: Row, found: Found, hold: Hold | None, now: datetime) -> WaitingAnswer | None:
    """What holds one that is ready and due: a limit, or those before it."""
    if hold is not None:
        return WaitingAnswer(reason=hold.reason, until=moment(hold.until), detail=hold.detail)
    if found.ahead and row.updated_at + TURN < now:
        return WaitingAnswer(reason="turn", until=None, detail=f"{found.ahead:,} before it by {row.channel}")
    return None


def _silent(planned: Planned) -> OutreachAnswer:
    return OutreachAnswer(
        outreach_id=planned.outreach_id,
        rule=planned.rule,
        step=planned.step,
        variant=planned.variant,
        template=planned.template,
        purpose=planned.purpose,
        channel=planned.channel,
        status="waiting",
        due_at=moment(planned.due_at),
        updated_at=moment(planned.due_at),
        waiting=_waiting(planned),
    )


def _waiting(planned: Planned) -> WaitingAnswer | None:
    held = planned.held
    if held is None:
        return None
    return WaitingAnswer(reason=held.reason, until=moment(held.until), detail=held.detail)
