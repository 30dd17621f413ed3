"""What expressions see of a customer: each variable, its fields, and how they are read off the state. What is
not known is left out: then an expression that needs it is not met, and ``has(...)`` is false."""

from collections.abc import Mapping
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from services.followup.domain.complaints import Complaint, open_ones
from services.followup.domain.history.learning import Subject
from services.followup.domain.history.state import History, Loyalty, Purchases, Subscription
from services.followup.domain.state import Customer, Send
from shared.expressions.kinds import (
    ANY,
    FRACTION,
    TEXT,
    TIME,
    TRUTH,
    WHOLE,
    ByName,
    Field,
    Kind,
    Many,
    Table,
    itself,
)
from shared.expressions.program import Variable
from shared.facts.complaints import RESOLVED
from shared.facts.profile import value_of
from shared.schemas.times import Micros

_NONE, _NO_PURCHASES, _NO_LOYALTY = History(), Purchases(), Loyalty()


class Scope(NamedTuple):
    """One customer at one instant, and what has led to the decision."""

    customer: Customer
    now: Micros
    zone: ZoneInfo
    """Where the customer lives."""
    trigger: Mapping[str, Any]
    """Fields of the trigger, as JSON has them."""

    @property
    def history(self) -> History:
        return self.customer.history or _NONE

    @property
    def purchases(self) -> Purchases:
        return self.history.purchases or _NO_PURCHASES

    @property
    def sends(self) -> list[Send]:
        """What went out and what is on its way, the latest first."""
        leaving = (
            Send(rule=flight.rule, purpose=flight.purpose, at=flight.decided_at)
            for flight in self.customer.in_flight
            if not flight.cancelled
        )
        return sorted((*self.customer.sends, *leaving), key=lambda send: send.at, reverse=True)

    @property
    def complaints(self) -> list[Complaint]:
        """The latest opened first."""
        return sorted(self.opened, key=lambda complaint: complaint.steps[0].at, reverse=True)

    @property
    def opened(self) -> list[Complaint]:
        """Those of ``complaints``, in no order."""
        return [complaint for complaint in self.customer.complaints if complaint.opened]


class _Here(NamedTuple):
    """Something whose fields depend on what time it is."""

    scope: Scope
    subscription: Subscription


def _table(table: str, /, **fields: tuple[Kind, Any]) -> Table:
    return Table(table, {field: Field(kind, read) for field, (kind, read) in fields.items()})


def _told(name: str) -> tuple[Kind, Any]:
    return TEXT, lambda scope: value_of(scope.customer.profile, name)


def _health(kind: Kind, name: str) -> tuple[Kind, Any]:
    return kind, lambda scope: getattr(scope.history.health, name, None)


def _segment(scope: Scope) -> str | None:
    """The profile's; where that names none, what the metrics make of the customer."""
    told = value_of(scope.customer.profile, "segment")
    return str(told) if told is not None else _seen(scope)


def _seen(scope: Scope) -> str | None:
    return None if scope.history.segment is None else scope.history.segment.name


MONEY = _table("money", amount=(WHOLE, lambda money: money[0]), currency=(TEXT, lambda money: money[1]))
PROFILE = _table(
    "profile",
    name=_told("name"),
    email=_told("email"),
    phone=_told("phone"),
    locale=_told("locale"),
    timezone=_told("timezone"),
    preferred_channel=_told("preferred_channel"),
    birthday=_told("birthday"),
    tags=(Many(TEXT), lambda scope: value_of(scope.customer.profile, "tags") or ()),
    preferences=(ByName(ANY), lambda scope: value_of(scope.customer.profile, "preferences") or {}),
    segment=(TEXT, _segment),
)
LOYALTY = _table(
    "loyalty",
    member=(TRUTH, lambda scope: _loyalty(scope).enrolled_at is not None),
    tier=(TEXT, lambda scope: _loyalty(scope).tier),
    balance=(WHOLE, lambda scope: _loyalty(scope).balance),
    enrolled_at=(TIME, lambda scope: _loyalty(scope).enrolled_at),
)
COMPLAINT = _table(
    "complaint",
    complaint_id=(TEXT, lambda one: one.complaint_id),
    open=(TRUTH, lambda one: one.is_open),
    status=(TEXT, lambda one: one.life.status),
    opened_at=(TIME, lambda one: one.steps[0].at),
    resolved_at=(TIME, lambda one: _resolved(one)),
)
COMPLAINTS = _table(
    "all complaints",
    count=(WHOLE, lambda scope: len(scope.opened)),
    open=(WHOLE, lambda scope: len(open_ones(scope.customer.complaints))),
    last=(COMPLAINT, lambda scope: next(iter(scope.complaints), None)),
)
PURCHASE = _table(
    "purchase",
    order_id=(TEXT, lambda one: one.order_id),
    at=(TIME, lambda one: one.at),
    total=(MONEY, lambda one: (one.amount, one.currency)),
    refunded=(WHOLE, lambda one: one.refunded),
    returned=(TRUTH, lambda one: one.returned),
    skus=(Many(TEXT), lambda one: one.skus),
    categories=(Many(TEXT), lambda one: one.categories),
)
PURCHASES = _table(
    "all purchases",
    count=(WHOLE, lambda scope: scope.purchases.count),
    spent=(ByName(WHOLE), lambda scope: {s.currency: s.paid - s.refunded for s in scope.purchases.spend}),
    first_at=(TIME, lambda scope: scope.purchases.first_at),
    last_at=(TIME, lambda scope: scope.purchases.last_at),
    last=(PURCHASE, lambda scope: next(iter(scope.purchases.latest), None)),
)
SUBSCRIPTION = _table(
    "subscription",
    subscription_id=(TEXT, lambda here: here.subscription.subscription_id),
    plan=(TEXT, lambda here: here.subscription.plan),
    started_at=(TIME, lambda here: here.subscription.started_at),
    expires_at=(TIME, lambda here: here.subscription.expires_at),
    cancelled=(TRUTH, lambda here: here.subscription.cancelled_at is not None),
    active=(TRUTH, lambda here: _active(here)),
)
SUBSCRIPTIONS = _table(
    "all subscriptions",
    count=(WHOLE, lambda scope: len(_terms(scope))),
    active=(WHOLE, lambda scope: sum(_active(here) for here in _terms(scope))),
)
PRODUCT = _table(
    "product",
    product_id=(TEXT, lambda one: one.product_id),
    sku=(TEXT, lambda one: one.sku),
    purchased_at=(TIME, lambda one: one.purchased_at),
    maintenance_every_days=(WHOLE, lambda one: one.maintenance_every_days),
)
PRODUCTS = _table("all products", count=(WHOLE, lambda scope: len(scope.history.products)))
CONTACT = _table(
    "contact",
    kind=(TEXT, lambda one: one.kind),
    direction=(TEXT, lambda one: one.direction),
    sku=(TEXT, lambda one: one.sku),
    at=(TIME, lambda one: one.times[0]),
    times=(Many(TIME), lambda one: one.times),
)
CONTACTS = _table(
    "all interactions", last_at=(TIME, lambda s: next((one.times[0] for one in s.history.contacts), None))
)
ANSWER = _table("answer", score=(WHOLE, lambda one: one.score), at=(TIME, lambda one: one.at))
REVIEW = _table(
    "review",
    sku=(TEXT, lambda one: one.sku),
    rating=(WHOLE, lambda one: one.rating),
    at=(TIME, lambda one: one.at),
)
HEALTH = _table(
    "health",
    score=_health(WHOLE, "score"),
    churn_probability=_health(FRACTION, "churn_probability"),
    clv=_health(MONEY, "clv"),
    at=_health(TIME, "at"),
    warned_at=_health(TIME, "warned_at"),
    segment=(TEXT, lambda scope: _seen(scope)),
)
FEEDBACK = _table(
    "feedback",
    nps=(ANSWER, lambda scope: _answer(scope, "nps")),
    csat=(ANSWER, lambda scope: _answer(scope, "csat")),
    ces=(ANSWER, lambda scope: _answer(scope, "ces")),
    reviews=(Many(REVIEW), lambda scope: scope.history.reviews[::-1]),
)
SEND = _table(
    "send",
    rule=(TEXT, lambda one: one.rule),
    purpose=(TEXT, lambda one: one.purpose),
    at=(TIME, lambda one: one.at),
)
SENDS = _table("all sends", count=(WHOLE, lambda scope: len(scope.sends)))


VARIABLES: Mapping[str, Variable] = {
    "profile": Variable(PROFILE, itself),
    "loyalty": Variable(LOYALTY, itself),
    "complaints": Variable(Many(COMPLAINT, COMPLAINTS), lambda scope: scope.complaints),
    "purchases": Variable(Many(PURCHASE, PURCHASES), lambda scope: scope.purchases.latest),
    "subscriptions": Variable(Many(SUBSCRIPTION, SUBSCRIPTIONS), lambda scope: _terms(scope)),
    "products": Variable(Many(PRODUCT, PRODUCTS), lambda scope: scope.history.products),
    "interactions": Variable(Many(CONTACT, CONTACTS), lambda scope: scope.history.contacts),
    "feedback": Variable(FEEDBACK, itself),
    "health": Variable(HEALTH, itself),
    "sends": Variable(Many(SEND, SENDS), lambda scope: scope.sends),
    "now": Variable(TIME, lambda scope: scope.now),
}
"""All but ``trigger``, which is another for each rule."""

KEPT_FOR: Mapping[str, Subject] = {
    "purchases": "orders",
    "subscriptions": "subscriptions",
    "products": "products",
    "interactions": "interactions",
    "profile.segment": "segment",
    "loyalty.member": "loyalty",
    "loyalty.enrolled_at": "loyalty",
    "loyalty.tier": "loyalty",
    "loyalty.balance": "points",
    "all purchases.count": "purchases",
    "all purchases.first_at": "purchases",
    "all purchases.last_at": "purchases",
    "all purchases.spent": "spend",
    "all purchases.last": "orders",
    "purchase.returned": "spend",
    "purchase.refunded": "spend",
    "purchase.skus": "lines",
    "purchase.categories": "lines",
    "all subscriptions.count": "subscriptions",
    "all subscriptions.active": "subscriptions",
    "all products.count": "products",
    "all interactions.last_at": "interactions",
    "feedback.nps": "answers",
    "feedback.csat": "answers",
    "feedback.ces": "answers",
    "feedback.reviews": "reviews",
    "health.score": "health",
    "health.churn_probability": "health",
    "health.clv": "health",
    "health.at": "health",
    "health.warned_at": "health",
    "health.segment": "segment",
}
"""What of the past each list, and each field of a table, is read off; what is not here is kept always."""


def _loyalty(scope: Scope) -> Loyalty:
    return scope.history.loyalty or _NO_LOYALTY


def _resolved(complaint: Complaint) -> Micros | None:
    return max((step.at for step in complaint.life.taken if step.kind == RESOLVED), default=None)


def _terms(scope: Scope) -> list[_Here]:
    return [_Here(scope, one) for one in scope.history.subscriptions]


def _active(here: _Here) -> bool:
    """Whether its term is not over, by its own end or by a cancellation's."""
    one, now = here.subscription, here.scope.now
    if one.expires_at is None or one.expires_at <= now:
        return False
    return one.cancelled_at is None or (one.ends_at is not None and one.ends_at > now)


def _answer(scope: Scope, survey: str) -> object:
    return next((one for one in scope.history.scores if one.survey == survey), None)
