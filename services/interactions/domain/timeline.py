"""A customer's story: one row per event, and in it a line that people understand."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from services.interactions.domain.erasing.elsewhere import named_by
from services.interactions.domain.rows import TimelineRow, sort_key
from services.interactions.domain.state import Complaint
from services.interactions.domain.telling import Note
from shared.schemas import (
    complaints,
    customers,
    feedback,
    insights,
    interactions,
    loyalty,
    outreach,
    purchases,
)
from shared.schemas.base import Data, Money
from shared.schemas.codec import encode_data
from shared.schemas.event import Event
from shared.schemas.money import written
from shared.schemas.times import Micros

LINE_LENGTH = 160

D = TypeVar("D", bound=Data)
Says = Callable[[D], str]


def timeline_row(
    event: Event,
    at: Micros,
    note: Note | None = None,
    complaint: Complaint | None = None,
    conversation_id: str | None = None,
    customer_id: str | None = None,
) -> TimelineRow:
    """The row of an event; ``at`` is its time, ``complaint`` the one that it has changed, ``conversation_id``
    the one that a message is told in, ``customer_id`` whom it was told of, where that is not the subject."""
    data, uid, subject = event.data, event.uid, customer_id or event.told_of
    # A field of the type, or one that a source added; getattr would raise and catch where there is none.
    channel = vars(data).get("channel", (data.model_extra or {}).get("channel"))
    return TimelineRow(
        uid=uid,
        place=f"{subject} {sort_key(at, uid)}",
        customer_id=subject,
        at=at,
        type=data.event_type,
        summary=_line(f"{note.word}: {_told(data)}") if note is not None and note.word else summary(data),
        data=encode_data(data).decode(),
        source=event.source,
        id=event.id,
        channel=channel if isinstance(channel, str) else None,
        complaint_id=None if complaint is None else complaint.complaint_id,
        conversation_id=conversation_id,
        note=None if note is None else note.why,
        extensions=event.extensions_text,
        told=f"{data.event_type} {sort_key(at, uid)}",
        names=named_by(data),
    )


def summary(data: Data) -> str:
    """One short line, in plain text as the sources gave it: whoever shows it must escape it."""
    return _line(_told(data))


def _told(data: Data) -> str:
    describe = LINES.get(type(data))
    return data.event_type if describe is None else describe(data)


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


def _birthday(data: loyalty.MemberBirthday) -> str:
    given = [_plural(data.points, "point")] if data.points is not None else []
    given += [data.name] if data.name is not None else []
    return f"Birthday: {' and '.join(given)} given" if given else "Birthday"


def _changed(data: complaints.ComplaintChanged) -> str:
    told = (("severity", data.severity), ("category", data.category), ("assignee", data.assignee))
    return f"Complaint changed: {', '.join(f'{name} {value}' for name, value in told if value) or 'nothing'}"


def _points(verb: str) -> Callable[[loyalty.LedgerEntry], str]:
    return lambda d: f"{_plural(abs(d.points), 'point')} {verb}, balance {d.balance}: {d.reason}"


def _came_back(data: outreach.OutreachBounced) -> str:
    why = f"{data.kind} {data.code}" if data.code else data.kind
    return f"Message came back, {data.rule}: {why}"


def _snoozed(data: interactions.ConversationSnoozed) -> str:
    until = "the customer writes" if data.until is None else f"{data.until:%Y-%m-%d %H:%M} UTC"
    return ": ".join(filter(None, (f"Conversation snoozed until {until}", data.reason)))


def _of(kind: type[D], says: Says[D]) -> tuple[type[Data], Says[Any]]:
    """Here mypy sees that a line names fields that its type has; the table itself cannot say so."""
    return kind, says


LINES: Mapping[type[Data], Says[Any]] = dict(
    [
        _of(customers.CustomerRegistered, lambda d: _profile(d, "registered")),
        _of(customers.CustomerUpdated, lambda d: _profile(d, "updated")),
        _of(
            customers.ConsentChanged,
            lambda d: (
                f"Consent {'granted' if d.granted else 'withdrawn'}: {d.purpose} by {d.channel}"
                + (f", {d.topic_}" if d.topic_ else "")
            ),
        ),
        _of(
            customers.CustomerMerged,
            lambda d: ": ".join(filter(None, (f"Merged into customer {d.into}", d.reason))),
        ),
        _of(
            customers.CustomerUnmerged,
            lambda d: ": ".join(filter(None, (f"No part of customer {d.from_} any more", d.reason))),
        ),
        _of(customers.CustomerErased, lambda _: "Erasure asked for"),
        _of(customers.ErasureCompleted, lambda d: f"Erased in {d.service}"),
        _of(customers.ErasureLifted, lambda _: "Erasure lifted"),
        _of(customers.AliasAdded, lambda d: f"Called so too: {d.kind} {d.value}"),
        _of(customers.AliasRemoved, lambda d: f"Called so no more: {d.kind} {d.value}"),
        _of(
            interactions.InteractionLogged,
            lambda d: f"{d.direction.capitalize()} {d.channel}, {d.kind}: {d.summary}",
        ),
        _of(interactions.ConversationEscalated, lambda d: f"Conversation escalated by {d.from_}: {d.reason}"),
        _of(interactions.ConversationAssigned, lambda d: f"Conversation assigned to {d.agent_id}"),
        _of(
            interactions.ConversationReturned,
            lambda d: f"Conversation given back to the {d.to}: {d.reason}",
        ),
        _of(interactions.ConversationMerged, lambda d: f"Conversation continued in {d.into}"),
        _of(
            interactions.ConversationSplit,
            lambda d: f"{_plural(len(d.messages), 'message')} moved to conversation {d.into}",
        ),
        _of(
            interactions.ConversationNoted,
            lambda d: f"Note by {d.agent_id}: {d.text}" if d.agent_id else f"Note: {d.text}",
        ),
        _of(interactions.ConversationSnoozed, _snoozed),
        _of(interactions.ConversationClosed, lambda d: f"Conversation closed: {d.outcome}"),
        _of(complaints.ComplaintOpened, lambda d: f"Complaint, {d.severity}, {d.category}: {d.description}"),
        _of(
            complaints.ComplaintAcknowledged,
            lambda d: ": ".join(filter(None, ("Complaint acknowledged", d.message))),
        ),
        _of(complaints.ComplaintUpdated, lambda d: f"Complaint updated: {d.message}"),
        _of(complaints.ComplaintResolved, lambda d: f"Complaint resolved: {d.resolution}"),
        _of(complaints.ComplaintReopened, lambda d: f"Complaint reopened: {d.reason}"),
        _of(complaints.ComplaintClosed, lambda _: "Complaint closed"),
        _of(complaints.CompensationGranted, _compensation),
        _of(complaints.ComplaintChanged, _changed),
        _of(complaints.ComplaintWaiting, lambda d: f"Complaint waits for the customer: {d.reason}"),
        _of(complaints.ComplaintResumed, lambda _: "Complaint waits no more"),
        _of(complaints.ComplaintSlaWarned, lambda d: f"Complaint due soon: {d.clock.replace('_', ' ')}"),
        _of(complaints.ComplaintSlaMet, lambda d: f"Complaint in time: {d.clock.replace('_', ' ')}"),
        _of(complaints.ComplaintSlaBreached, lambda d: f"Complaint overdue: {d.clock.replace('_', ' ')}"),
        _of(complaints.ComplaintEscalated, lambda d: f"Complaint escalated to {d.to}, level {d.level}"),
        _of(
            purchases.PurchaseMade,
            lambda d: (
                f"Bought {_plural(len(d.items), 'line')} for {amount(d.total)}"
                f" by {d.channel}, order {d.order_id}"
            ),
        ),
        _of(purchases.PurchaseReturned, lambda d: f"Returned {amount(d.refund)} of order {d.order_id}"),
        _of(purchases.SubscriptionStarted, lambda d: f"Subscribed to {d.plan} for {amount(d.price)}"),
        _of(purchases.SubscriptionRenewed, lambda d: f"Renewed {d.plan} for {amount(d.price)}"),
        _of(
            purchases.SubscriptionCancelled,
            lambda d: f"Cancelled subscription {d.subscription_id}" + (f": {d.reason}" if d.reason else ""),
        ),
        _of(purchases.ProductRegistered, lambda d: f"Registered product {d.product_id} ({d.sku})"),
        _of(
            feedback.SurveyAnswered,
            lambda d: f"Answered {d.survey.upper()} with {d.score}" + (f": {d.comment}" if d.comment else ""),
        ),
        _of(
            feedback.ReviewPosted,
            lambda d: f"Reviewed {d.sku}, {d.rating} of 5" + (f": {d.text}" if d.text else ""),
        ),
        _of(feedback.ReferralMade, lambda d: f"Referred {d.referred_customer}"),
        _of(loyalty.MemberEnrolled, lambda _: "Joined the loyalty program"),
        _of(loyalty.PointsEarned, _points("earned")),
        _of(loyalty.PointsReversed, _points("taken back")),
        _of(loyalty.PointsRedeemed, _points("redeemed")),
        _of(loyalty.PointsExpired, _points("expired")),
        _of(loyalty.PointsRestored, _points("given back")),
        _of(
            loyalty.PointsAdjusted,
            lambda d: f"Points adjusted by {d.points:+d}, balance {d.balance}: {d.reason}",
        ),
        _of(loyalty.TierChanged, lambda d: f"Tier {d.from_} to {d.to}"),
        _of(loyalty.TierAtRisk, lambda d: f"Tier {d.tier} at risk: {amount(d.spend_needed)} to keep it"),
        _of(loyalty.VoucherCancelled, lambda _: "Voucher cancelled"),
        _of(loyalty.RewardIssued, lambda d: f"Reward {d.reward_id} issued"),
        _of(
            loyalty.RewardAvailable,
            lambda d: f"Reward within reach: {d.name}, for {d.cost} of {_plural(d.balance, 'point')}",
        ),
        _of(
            loyalty.PointsExpiring,
            lambda d: (
                f"{_plural(d.points, 'point')} of {d.balance} will expire,"
                f" the first on {d.expires_at:%Y-%m-%d}"
            ),
        ),
        _of(
            loyalty.MemberAnniversary,
            lambda d: f"Member for {_plural(d.years, 'year')}: {_plural(d.points, 'point')} given",
        ),
        _of(loyalty.MemberBirthday, _birthday),
        _of(outreach.OutreachScheduled, lambda d: f"Message planned, {d.rule} by {d.channel}"),
        _of(outreach.OutreachSent, lambda d: f"Message sent, {d.rule} by {d.channel}"),
        _of(
            outreach.OutreachFailed, lambda d: f"Message failed, {d.rule} by {d.channel}, attempt {d.attempt}"
        ),
        _of(
            outreach.OutreachSuppressed, lambda d: f"Message not sent, {d.rule}: {d.reason.replace('_', ' ')}"
        ),
        _of(
            outreach.OutreachCancelled, lambda d: f"Message cancelled, {d.rule}: {d.reason.replace('_', ' ')}"
        ),
        _of(outreach.OutreachDelivered, lambda d: f"Message arrived, {d.rule}"),
        _of(
            outreach.OutreachBounced,
            lambda d: f"Message came back, {d.rule}: {d.kind} {d.code or ''}".rstrip(),
        ),
        _of(outreach.OutreachComplained, lambda d: f"Message called unwanted, {d.rule}"),
        _of(outreach.OutreachGoalReached, lambda d: f"Message reached its goal, {d.rule}: {d.goal}"),
        _of(
            insights.SegmentChanged,
            lambda d: f"Segment {d.from_} to {d.to}" if d.from_ else f"Segment {d.to}",
        ),
        _of(insights.HealthChanged, lambda d: f"Health {d.score} of 100"),
        _of(insights.ChurnWarned, lambda d: f"May leave us: probability {d.probability:.0%}"),
        _of(insights.FeedbackActed, lambda d: f"Feedback acted on, {d.theme}: {d.text}"),
        _of(insights.ProductSuggested, lambda d: f"Suggested {d.sku}, because {d.because} was bought"),
    ]
)
"""Type -> its line."""
