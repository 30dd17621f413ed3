"""A customer's story: one row an event, and a line of it that people understand."""

from collections.abc import Callable, Mapping
from typing import Any

from services.interactions.domain.state import Complaint
from shared.schemas import complaints, customers, feedback, interactions, loyalty, outreach, purchases
from shared.schemas.base import Data, Money
from shared.schemas.codec import encode_data
from shared.schemas.event import Event
from shared.schemas.money import written
from shared.schemas.times import Micros, micros

TIMELINE = "timeline"
LINE_LENGTH = 160

_YEAR_1 = 62_135_596_800_000_000
"""Microseconds from year 1 to 1970: added, so that a place never holds a minus sign."""


def row(event: Event, complaint: Complaint | None) -> dict[str, Any]:
    """The document of an event. ``at`` is in microseconds, ``data`` JSON text as it was told.

    ``place`` orders a customer's rows exactly, by time and then by event; one index on it serves every
    read, and each index costs as much as the row itself.
    """
    at = micros(event.time)
    document = {
        "_id": event.uid,
        "place": f"{event.subject} {_sortable(at)} {event.uid}",
        "customer": event.subject,
        "at": at,
        "type": event.type,
        "summary": summary(event.data),
        "data": encode_data(event.data).decode(),
        "source": event.source,
        "id": event.id,
    }
    channel = getattr(event.data, "channel", None)
    if isinstance(channel, str):
        document["channel"] = channel
    if complaint is not None:
        document["complaint_id"] = complaint.complaint_id
        document["step"] = complaint.steps
    return document


def order(at: Micros, name: str) -> str:
    """A sort key that is unique: by time, then by name."""
    return f"{_sortable(at)} {name}"


def _sortable(at: Micros) -> str:
    return f"{at + _YEAR_1:018d}"


def summary(data: Data) -> str:
    """One short line, in plain text as the sources gave it: whoever shows it must escape it."""
    describe = LINES.get(type(data))
    return _line(data.event_type if describe is None else describe(data))


def _line(text: str) -> str:
    words = " ".join(text[: 2 * LINE_LENGTH].split())
    return words if len(words) <= LINE_LENGTH else words[: LINE_LENGTH - 1] + "…"


def amount(money: Money) -> str:
    """``{"amount": 1299, "currency": "EUR"}`` -> ``12.99 EUR``."""
    return written(money.amount, money.currency)


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _profile(data: customers.Profile, verb: str) -> str:
    fields = sorted(data.model_fields_set & set(customers.Profile.model_fields))
    return f"Profile {verb}: {', '.join(fields)}"


def _compensation(data: complaints.CompensationGranted) -> str:
    given = [_plural(data.points, "point")] if data.points is not None else []
    given += [amount(data.money)] if data.money is not None else []
    return f"Compensation, {data.kind}: {' and '.join(given)}" if given else f"Compensation: {data.kind}"


def _points(verb: str) -> Callable[[loyalty.LedgerEntry], str]:
    return lambda d: f"{_plural(abs(d.points), 'point')} {verb}, balance {d.balance}: {d.reason}"


LINES: Mapping[type[Data], Callable[[Any], str]] = {
    customers.CustomerRegistered: lambda d: _profile(d, "registered"),
    customers.CustomerUpdated: lambda d: _profile(d, "updated"),
    customers.ConsentChanged: lambda d: (
        f"Consent {'granted' if d.granted else 'withdrawn'}: {d.purpose} by {d.channel}"
    ),
    customers.CustomerErased: lambda _: "Erasure asked for",
    interactions.InteractionLogged: lambda d: (
        f"{d.direction.capitalize()} {d.channel}, {d.kind}: {d.summary}"
    ),
    interactions.ConversationEscalated: lambda d: f"Conversation escalated by {d.from_}: {d.reason}",
    interactions.ConversationAssigned: lambda d: f"Conversation assigned to {d.agent_id}",
    interactions.ConversationClosed: lambda d: f"Conversation closed: {d.outcome}",
    complaints.ComplaintOpened: lambda d: f"Complaint, {d.severity}, {d.category}: {d.description}",
    complaints.ComplaintAcknowledged: lambda d: f"Complaint acknowledged: {d.message}".rstrip(": "),
    complaints.ComplaintUpdated: lambda d: f"Complaint updated: {d.message}",
    complaints.ComplaintResolved: lambda d: f"Complaint resolved: {d.resolution}",
    complaints.ComplaintReopened: lambda d: f"Complaint reopened: {d.reason}",
    complaints.ComplaintClosed: lambda _: "Complaint closed",
    complaints.CompensationGranted: _compensation,
    complaints.ComplaintSlaBreached: lambda d: f"Complaint overdue: {d.clock.replace('_', ' ')}",
    purchases.PurchaseMade: lambda d: (
        f"Bought {_plural(len(d.items), 'line')} for {amount(d.total)} by {d.channel}, order {d.order_id}"
    ),
    purchases.PurchaseReturned: lambda d: f"Returned {amount(d.refund)} of order {d.order_id}",
    purchases.SubscriptionStarted: lambda d: f"Subscribed to {d.plan} for {amount(d.price)}",
    purchases.SubscriptionRenewed: lambda d: f"Renewed {d.plan} for {amount(d.price)}",
    purchases.SubscriptionCancelled: lambda d: (
        f"Cancelled subscription {d.subscription_id}" + (f": {d.reason}" if d.reason else "")
    ),
    purchases.ProductRegistered: lambda d: f"Registered product {d.product_id} ({d.sku})",
    feedback.SurveyAnswered: lambda d: (
        f"Answered {d.survey.upper()} with {d.score}" + (f": {d.comment}" if d.comment else "")
    ),
    feedback.ReviewPosted: lambda d: f"Reviewed {d.sku}, {d.rating} of 5" + (f": {d.text}" if d.text else ""),
    feedback.ReferralMade: lambda d: f"Referred {d.referred_customer}",
    loyalty.MemberEnrolled: lambda _: "Joined the loyalty program",
    loyalty.PointsEarned: _points("earned"),
    loyalty.PointsReversed: _points("taken back"),
    loyalty.PointsRedeemed: _points("redeemed"),
    loyalty.PointsExpired: _points("expired"),
    loyalty.PointsRestored: _points("given back"),
    loyalty.PointsAdjusted: lambda d: f"Points adjusted by {d.points:+d}, balance {d.balance}: {d.reason}",
    loyalty.TierChanged: lambda d: f"Tier {d.from_} to {d.to}",
    loyalty.TierAtRisk: lambda d: f"Tier {d.tier} at risk: {amount(d.spend_needed)} to keep it",
    loyalty.VoucherCancelled: lambda _: "Voucher cancelled",
    loyalty.RewardIssued: lambda d: f"Reward {d.reward_id} issued",
    loyalty.RewardAvailable: lambda d: (
        f"Reward within reach: {d.name}, for {d.cost} of {_plural(d.balance, 'point')}"
    ),
    loyalty.PointsExpiring: lambda d: (
        f"{_plural(d.points, 'point')} of {d.balance} will expire, the first on {d.expires_at:%Y-%m-%d}"
    ),
    loyalty.MemberAnniversary: lambda d: (
        f"Member for {_plural(d.years, 'year')}: {_plural(d.points, 'point')} given"
    ),
    loyalty.MemberBirthday: lambda d: f"Birthday: {_plural(d.points, 'point')} given",
    outreach.OutreachScheduled: lambda d: f"Message planned, {d.rule} by {d.channel}",
    outreach.OutreachSent: lambda d: f"Message sent, {d.rule} by {d.channel}",
    outreach.OutreachFailed: lambda d: f"Message failed, {d.rule} by {d.channel}, attempt {d.attempt}",
    outreach.OutreachSuppressed: lambda d: f"Message not sent, {d.rule}: {d.reason.replace('_', ' ')}",
    outreach.OutreachCancelled: lambda d: f"Message cancelled, {d.rule}: {d.reason.replace('_', ' ')}",
}
"""Type -> its line."""
