"""The collection ``deliveries``: one document per outreach, what ``GET /customers/{id}/outreach`` shows and
the sender works from. Addresses and texts are in it only while it waits to be sent."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

from pydantic import AwareDatetime, Field

from services.followup.domain.deliverability.heard import Receipt
from services.followup.domain.gate.verdicts import No
from services.followup.domain.messages.channel import Message
from services.followup.domain.policy import Policy
from services.followup.domain.results.cells import COLLECTION as RESULTS_COLLECTION
from services.followup.domain.rules.hours import Window
from services.followup.domain.rules.quiet import QuietHours, quiet_until, zone
from services.followup.domain.rules.rule import REPLY
from services.followup.domain.rules.terms import quiet_hours_of, send_window_of
from services.followup.domain.rules.times import span
from services.followup.domain.state import Customer, InFlight, Outreach
from shared.domain import Append, Collection, Put
from shared.merging.rows import MERGED
from shared.schemas.base import Frozen, Id
from shared.schemas.times import Micros, maybe_moment, moment

COLLECTION = "deliveries"
RECEIPTS = "receipts"
REPEATS = "repeats"
"""Tries in doubt of messages that may be tried again; the sender takes them out."""
PACE = "pace"
"""Of each channel that has a rate limit, when its next message would go; the senders write it."""
TRAFFIC = "traffic"
PAUSES = "pauses"
CEILINGS = "ceilings"
SWEEPS = "sweeps"
UNWANTED = "unwanted"
"""Suppressed addresses of those who were erased: {_id: a keyed hash of the address and for what, why}."""
COLLECTIONS = (
    Collection(TRAFFIC, owner=None, personal=(), indexes=("key",)),
    Collection(PAUSES, owner=None, personal=()),
    Collection(CEILINGS, owner=None, personal=()),
    Collection(SWEEPS, owner=None, personal=()),
    Collection(UNWANTED, owner=None, personal=()),
    Collection(PACE, owner=None, personal=()),
    Collection(REPEATS, owner="customer", personal=()),
    Collection(RECEIPTS, owner="customer", personal=()),
    Collection(
        COLLECTION,
        owner="customer",
        personal=("to", "subject", "text", "html", "headers", "error"),
        indexes=("status,channel,not_before", "customer,-due_at,-_id"),
    ),
    RESULTS_COLLECTION,
    MERGED,
)


class Party(Frozen):
    """Whom a message is from, or to."""

    name: str
    address: str


class Night(QuietHours):
    """The quiet hours that hold for a message, where its customer lives."""

    timezone: str

    def until(self, now: datetime) -> datetime | None:
        """When they end; None where it is not night."""
        return quiet_until(now, zone(self.timezone, "UTC"), self)


class OpenHours(Window):
    """When a message may go, where its customer lives."""

    timezone: str

    def until(self, now: datetime) -> datetime | None:
        """When it may go; None where that is now."""
        return self.opens_at(now, zone(self.timezone, "UTC"))


class Delivery(Frozen):
    """A message that is ready to be sent: all that the sender needs, so that it needs neither rules nor
    state. Of its document, what the sender reads."""

    outreach_id: str = Field(alias="_id")
    customer: str
    rule: str
    template: str
    purpose: str
    class_: Annotated[str | None, Field(alias="class")] = None
    """What it counts as; None in a row from before it was written: its purpose."""
    channel: str
    attempt: int
    """How many tries there were."""
    decided_at: AwareDatetime
    expires_at: AwareDatetime
    """Past this it is stale."""
    quiet: Night | None
    window: OpenHours | None = None
    sender: Party = Field(alias="from")
    to: Party
    subject: str
    text: str
    html: str
    headers: Mapping[str, str]

    def held(self, now: datetime) -> tuple[datetime, str] | None:
        """Until when it must not go, and for what: its hours have ended while it waited. None where it may
        go."""
        for hours, reason in ((self.quiet, "quiet_hours"), (self.window, "send_window")):
            until = None if hours is None else hours.until(now)
            if until is not None:
                return until, reason
        return None


class Known(Frozen):
    """What must be known of a message to say what became of it."""

    outreach_id: Id = Field(alias="_id")
    customer: str = Field(min_length=1)
    attempt: int = Field(0, ge=0, lt=2**31)


def row(
    customer_id: str,
    outreach: Outreach,
    status: str,
    at: Micros,
    *,
    no: No | None = None,
    attempt: int | None = None,
    doubts: int = 0,
    sent_at: Micros | None = None,
    error: str | None = None,
) -> Put:
    """The document as it stands from ``at`` on; fields that are None are left out."""
    document: dict[str, object] = {
        "_id": outreach.outreach_id,
        "customer": outreach.whose or customer_id,
        "rule": outreach.rule,
        "template": outreach.template,
        "purpose": outreach.purpose,
        "channel": outreach.channel,
        "due_at": moment(outreach.due_at),
        "status": status,
        "updated_at": moment(at),
    }
    told: dict[str, object] = {"attempt": attempt, "error": error}
    told |= {"step": outreach.step, "variant": outreach.variant, "mail": _mail(outreach)}
    if no is not None:
        told |= {"reason": no.reason, "error": no.detail, "blocked_by": list(no.blocked_by)}
        told["next_at"] = maybe_moment(no.next_at)
    document |= {name: value for name, value in told.items() if value is not None}
    if doubts:
        document["doubts"] = doubts
    if sent_at is not None:
        document["sent_at"] = moment(sent_at)
    return Put(COLLECTION, document)


def _mail(outreach: Outreach) -> str | None:
    """In whose mail it goes, or went, with others."""
    return outreach.mail if isinstance(outreach, InFlight) else None


def receipt_key(outreach_id: str, what: str) -> str:
    """A message has each kind of receipt once."""
    return f"{outreach_id} {what}"


def receipt_row(customer_id: str, outreach_id: str, receipt: Receipt) -> Append:
    """What was heard of a message, beside the message's own document."""
    document: dict[str, object] = {
        "_id": receipt_key(outreach_id, receipt.what),
        "customer": customer_id,
        "at": moment(receipt.at),
    }
    told = {"kind": receipt.kind, "code": receipt.code}
    return Append(RECEIPTS, document | {name: value for name, value in told.items() if value is not None})


def ready_row(
    state: Customer,
    policy: Policy,
    outreach: Outreach,
    to: str,
    message: Message,
    now: Micros,
    *,
    expires: Micros | None = None,
) -> Put:
    """The document of a message for the sender: what ``Delivery`` reads, and ``not_before``. The rows of what
    goes in its mail have none, so that no sender takes them."""
    rules, rule = policy.rules, policy.rules.rule(outreach.rule)
    common = row(state.customer_id, outreach, "ready", now, attempt=outreach.tries).document
    return Put(
        COLLECTION,
        {
            **common,
            "not_before": moment(now),
            "class": rules.counts_as(outreach.rule, outreach.purpose),
            "priority": 0 if rule is None else rule.priority,
            "decided_at": moment(now),
            "expires_at": moment(expires or outreach.due_at + span(rules.stale(outreach.rule))),
            **_hours(state, policy, outreach),
            "from": {"name": rules.sender.name, "address": rules.sender.address},
            "to": {"name": state.name, "address": to},
            "subject": message.subject,
            "text": message.text,
            "html": message.html,
            "headers": dict(message.headers),
        },
    )


def _hours(state: Customer, policy: Policy, outreach: Outreach) -> dict[str, Mapping[str, object] | None]:
    """Those that hold it while it waits for its channel."""
    rules, rule = policy.rules, policy.rules.rule(outreach.rule)
    if outreach.rule == REPLY:
        return {"quiet": None, "window": None}
    here = {"timezone": zone(state.timezone, rules.timezone).key}
    told: dict[str, Mapping[str, object] | None] = {}
    for name, hours in (
        ("quiet", quiet_hours_of(rules, rule)),
        ("window", send_window_of(rules, rule, outreach.purpose)),
    ):
        told[name] = None if hours is None else here | hours.model_dump(mode="json", by_alias=True)
    return told
