"""One customer's events, one by one: state in, effects out. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from msgspec import structs

from services.interactions.domain.activity.channels import channel_used
from services.interactions.domain.activity.loyalty import member_enrolled, points_moved, tier_changed
from services.interactions.domain.activity.purchases import purchase_made, purchase_returned
from services.interactions.domain.activity.subscriptions import subscription_cancelled, subscription_term
from services.interactions.domain.complaints.commands import STEPS, decide, outcome
from services.interactions.domain.complaints.opening import complaint_opened
from services.interactions.domain.complaints.steps import TRANSITIONS, complaint_named, complaint_stepped
from services.interactions.domain.profile.consents import consent_changed
from services.interactions.domain.profile.fields import profile_told
from services.interactions.domain.rows import COMPLAINTS, CUSTOMERS, TIMELINE, complaint_row, customer_row
from services.interactions.domain.state import Customer
from services.interactions.domain.timeline import timeline_row
from shared.domain import Append, Context, Effects, Emit, Put
from shared.schemas.base import Data
from shared.schemas.commands import ComplaintCommand, ComplaintOpenRequested
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
from shared.schemas.times import Micros, micros
from shared.schemas.topics import TOPICS

FACT_TOPICS = ("customers", "interactions", "complaints", "purchases", "feedback", "loyalty", "outreach")
CONSUMES: tuple[type[Data], ...] = (
    *(cls for topic in FACT_TOPICS for cls in TOPICS[topic]),
    ComplaintOpenRequested,
    *STEPS,
)

D = TypeVar("D", bound=Data)
Fold = Callable[[Customer, D, Micros], Customer]
"""The customer after a fact of a time. Raises the fold's refusals."""


def _folds(fold: Fold[D], *kinds: type[D]) -> dict[type[Data], Fold[Any]]:
    """Here mypy sees that a fold takes the types it is given; the table itself cannot say so."""
    return dict.fromkeys(kinds, fold)


FOLDS: Mapping[type[Data], Fold[Any]] = {
    **_folds(profile_told, CustomerRegistered, CustomerUpdated),
    **_folds(consent_changed, ConsentChanged),
    **_folds(complaint_opened, ComplaintOpened),
    **_folds(complaint_stepped, *TRANSITIONS),
    **_folds(purchase_made, PurchaseMade),
    **_folds(purchase_returned, PurchaseReturned),
    **_folds(subscription_term, SubscriptionStarted, SubscriptionRenewed),
    **_folds(subscription_cancelled, SubscriptionCancelled),
    **_folds(member_enrolled, MemberEnrolled),
    **_folds(
        points_moved,
        PointsEarned,
        PointsReversed,
        PointsRedeemed,
        PointsExpired,
        PointsRestored,
        PointsAdjusted,
    ),
    **_folds(tier_changed, TierChanged),
}
"""What a fact changes beside the counts; a type not here only counts and shows in the timeline."""

CHANNEL_USES = (InteractionLogged, ComplaintOpened, PurchaseMade)
"""Facts whose channel the customer used."""


def apply(customer: Customer, event: Event, context: Context) -> Effects[Customer]:
    """A fact takes effect; a command is turned into one, which takes effect at once and is emitted.

    Raises as the folds do; a fact so refused is a dead letter.
    """
    command = event.data
    if not isinstance(command, (ComplaintOpenRequested, ComplaintCommand)):
        return apply_fact(customer, event)
    fact = decide(command, context)
    effects = apply_fact(customer, structs.replace(event, data=fact))
    return replace(effects, emits=(Emit(fact, event.time),), outcome=outcome(effects.state, fact))


def apply_fact(customer: Customer, event: Event) -> Effects[Customer]:
    """The customer that a fact leaves, and its rows: one of the timeline, and those it changes."""
    data, at = event.data, micros(event.time)
    fold = FOLDS.get(type(data))
    folded = customer if fold is None else fold(customer, data, at)
    new = _counted(folded, data, at)

    complaint = complaint_named(new, data.complaint_id) if isinstance(data, ComplaintsData) else None
    rows: list[Append | Put] = [Append(TIMELINE, timeline_row(event, at, complaint).document())]
    if complaint is not None:
        rows.append(Put(COMPLAINTS, complaint_row(new.customer_id, complaint).document()))
    if customer.seen_at is None or new.profile is not customer.profile:
        first = at if new.seen_at is None else new.seen_at
        rows.append(Put(CUSTOMERS, customer_row(new, first).document()))
    return Effects(new, rows=tuple(rows))


def _counted(customer: Customer, data: Data, at: Micros) -> Customer:
    """With one more event of its topic, and one more use of the channel that the customer came by."""
    update: dict[str, Any] = {
        "counts": customer.counts | {data.topic: customer.counts.get(data.topic, 0) + 1}
    }
    if customer.seen_at is None:
        update["seen_at"] = at
    if isinstance(data, CHANNEL_USES):
        update["channels"] = channel_used(customer.channels, data.channel, at)
    return customer.model_copy(update=update)
