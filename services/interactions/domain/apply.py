"""One customer's events, one by one: state in, effects out. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from msgspec import structs

from services.interactions.domain.activity import channels, loyalty, purchases, subscriptions
from services.interactions.domain.complaints import commands, opening, steps
from services.interactions.domain.profile import consents, fields
from services.interactions.domain.rows import COMPLAINTS, CUSTOMERS, complaint_row, customer_row
from services.interactions.domain.state import Customer
from services.interactions.domain.timeline import TIMELINE, row
from shared.domain import Append, Context, Effects, Emit, Outcome, Put
from shared.schemas.base import Data
from shared.schemas.commands import ComplaintActionRequested, ComplaintOpenRequested
from shared.schemas.complaints import ComplaintOpened, ComplaintsData
from shared.schemas.customers import ConsentChanged, CustomerRegistered, CustomerUpdated
from shared.schemas.event import Event
from shared.schemas.interactions import InteractionLogged
from shared.schemas.loyalty import (
    MemberEnrolled,
    PointsAdjusted,
    PointsEarned,
    PointsExpired,
    PointsRedeemed,
    PointsRestored,
    PointsReversed,
    TierChanged,
)
from shared.schemas.purchases import (
    PurchaseMade,
    PurchaseReturned,
    SubscriptionCancelled,
    SubscriptionRenewed,
    SubscriptionStarted,
)
from shared.schemas.times import micros
from shared.schemas.topics import TOPICS

FACT_TOPICS = ("customers", "interactions", "complaints", "purchases", "feedback", "loyalty", "outreach")
COMMANDS: tuple[type[Data], ...] = (ComplaintOpenRequested, ComplaintActionRequested)
CONSUMES: tuple[type[Data], ...] = tuple(cls for topic in FACT_TOPICS for cls in TOPICS[topic]) + COMMANDS

Fold = Callable[[Customer, Event], dict[str, Any]]

FOLDS: Mapping[type[Data], Fold] = {
    CustomerRegistered: fields.profile_told,
    CustomerUpdated: fields.profile_told,
    ConsentChanged: consents.consent_told,
    ComplaintOpened: opening.opened,
    **dict.fromkeys(steps.TRANSITIONS, steps.stepped),
    PurchaseMade: purchases.purchase_made,
    PurchaseReturned: purchases.purchase_returned,
    SubscriptionStarted: subscriptions.subscription_term,
    SubscriptionRenewed: subscriptions.subscription_term,
    SubscriptionCancelled: subscriptions.subscription_cancelled,
    MemberEnrolled: loyalty.member_enrolled,
    **dict.fromkeys(
        (PointsEarned, PointsReversed, PointsRedeemed, PointsExpired, PointsRestored, PointsAdjusted),
        loyalty.points_moved,
    ),
    TierChanged: loyalty.tier_changed,
}
"""What an event changes beside the counts; a type not here only counts and shows in the timeline."""

CHANNEL_USES: tuple[type[Data], ...] = (InteractionLogged, ComplaintOpened, PurchaseMade)
"""Facts whose channel the customer used."""


def apply(state: Customer, event: Event, context: Context) -> Effects[Customer]:
    """A fact takes effect; a command is turned into one, which takes effect at once and is emitted.

    Refused: as the folds say; a fact so refused is a dead letter.
    """
    if not isinstance(event.data, COMMANDS):
        return apply_fact(state, event)
    fact = commands.decide(state, event.data, context)
    effects = apply_fact(state, structs.replace(event, data=fact))
    return replace(effects, emits=(Emit(fact, event.time),), outcome=_outcome(effects.state, fact))


def apply_fact(state: Customer, event: Event) -> Effects[Customer]:
    data = event.data
    fold = FOLDS.get(type(data))
    changes = fold(state, event) if fold is not None else {}
    first = state.seen_at is None
    update = changes | {"counts": state.counts | {data.topic: state.counts.get(data.topic, 0) + 1}}
    if first:
        update["seen_at"] = micros(event.time)
    if isinstance(data, CHANNEL_USES):
        update["channels"] = channels.channel_used(state, event, data.channel)  # type: ignore[attr-defined]
    new = state.model_copy(update=update)

    complaint = steps.find(new, data.complaint_id) if isinstance(data, ComplaintsData) else None
    rows: list[Append | Put] = [Append(TIMELINE, row(event, complaint))]
    if complaint is not None:
        rows.append(Put(COMPLAINTS, complaint_row(state.customer_id, complaint)))
    if first or "profile" in changes:
        rows.append(Put(CUSTOMERS, customer_row(new)))
    return Effects(new, rows=tuple(rows))


def _outcome(state: Customer, fact: ComplaintsData) -> Outcome:
    if isinstance(fact, ComplaintOpened):
        return Outcome(201, {"complaint_id": fact.complaint_id})
    complaint = steps.find(state, fact.complaint_id)
    assert complaint is not None
    return Outcome(200, {"complaint_id": complaint.complaint_id, "status": complaint.status})
