"""From facts to the history: what each subject is made of, and how it is kept."""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Literal, TypeAlias, get_args

from services.followup.domain.history import baskets, contacts, health, purchases, terms
from services.followup.domain.history.state import Baskets, History, Purchases, Segment
from services.followup.domain.rules.suggestions import USUAL, Suggestions
from shared.facts.names import Heard, Name
from shared.schemas.base import Data
from shared.schemas.commands.products import ProductCountRequested, ProductSuggestRequested
from shared.schemas.event import Event
from shared.schemas.feedback import ReviewPosted, SurveyAnswered
from shared.schemas.insights import ChurnWarned, HealthChanged, SegmentChanged
from shared.schemas.interactions import InteractionLogged
from shared.schemas.loyalty import (
    LoyaltyData,
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
    ProductRegistered,
    PurchaseMade,
    PurchaseReturned,
    SubscriptionCancelled,
    SubscriptionRenewed,
    SubscriptionStarted,
    SubscriptionTerm,
)
from shared.schemas.times import Micros

Subject: TypeAlias = Literal[
    "purchases",
    "spend",
    "orders",
    "lines",
    "loyalty",
    "points",
    "subscriptions",
    "products",
    "interactions",
    "answers",
    "reviews",
    "segment",
    "health",
    "baskets",
]
"""A part of the history, which is kept only where the rules name it. Of purchases: how many and when; what
they cost and what went back; the latest one by one; what was in those; what was bought together."""
SUBJECTS: frozenset[Subject] = frozenset(get_args(Subject))

MADE_OF: Mapping[Subject, tuple[type[Data], ...]] = {
    "purchases": (PurchaseMade,),
    "spend": (PurchaseMade, PurchaseReturned),
    "orders": (PurchaseMade,),
    "lines": (PurchaseMade,),
    "loyalty": (MemberEnrolled, TierChanged),
    "points": (
        PointsEarned,
        PointsReversed,
        PointsRedeemed,
        PointsExpired,
        PointsRestored,
        PointsAdjusted,
    ),
    "subscriptions": (SubscriptionStarted, SubscriptionRenewed, SubscriptionCancelled),
    "products": (ProductRegistered,),
    "interactions": (InteractionLogged,),
    "answers": (SurveyAnswered,),
    "reviews": (ReviewPosted,),
    "segment": (SegmentChanged,),
    "health": (HealthChanged, ChurnWarned),
    "baskets": (PurchaseMade, PurchaseReturned, ProductCountRequested, ProductSuggestRequested),
}
"""The facts that a subject is made of, and the commands that go with it."""
_OF: Mapping[type[Data], frozenset[Subject]] = {
    kind: frozenset(name for name, made_of in MADE_OF.items() if kind in made_of)
    for kinds in MADE_OF.values()
    for kind in kinds
}
_FIELDS: Mapping[str, frozenset[Subject]] = {
    "purchases": frozenset({"purchases", "spend", "orders", "lines"}),
    "loyalty": frozenset({"loyalty", "points"}),
    "subscriptions": frozenset({"subscriptions"}),
    "products": frozenset({"products"}),
    "contacts": frozenset({"interactions"}),
    "scores": frozenset({"answers"}),
    "reviews": frozenset({"reviews"}),
    "segment": frozenset({"segment"}),
    "health": frozenset({"health"}),
    "baskets": frozenset({"baskets"}),
}
"""The parts of a history, and which subjects they are for."""


def classes_of(subjects: Iterable[Subject]) -> Iterator[type[Data]]:
    """The facts that must be heard for these subjects."""
    for subject in subjects:
        yield from MADE_OF[subject]


def learnt(
    known: History | None,
    subjects: frozenset[Subject],
    event: Event,
    at: Micros,
    now: Micros,
    name: Name | None,
    told: Heard,
    counting: Suggestions = USUAL,
) -> History | None:
    """The history after a fact of the time ``at``, heard ``now``; ``known`` itself where it says nothing new.

    ``told``: whether the thing that it names was heard of before. Of a copy nothing is learnt, but for two:
    a return that could not be may be told right, and the program's own word of an enrolment beats others'.
    ``counting``: of which products of an order it is remembered that they were bought together.
    """
    mine = _OF.get(type(event.data))
    if mine is None or mine.isdisjoint(subjects):
        return known
    if told is not Heard.NEW and not isinstance(event.data, PurchaseReturned | MemberEnrolled):
        return known
    before = known or History()
    part = _part(before, subjects, event, at, now, name, told)
    if "baskets" in subjects and told is Heard.NEW:
        part |= _together(before.baskets or Baskets(), event.data, at, counting)
    part |= {field: empty for field, empty in _past(subjects).items() if getattr(before, field) != empty}
    if all(value is getattr(before, field) for field, value in part.items()):
        return known
    return before.model_copy(update=part)


@cache
def _past(subjects: frozenset[Subject]) -> Mapping[str, object]:
    """The parts that the rules no longer name: they are not kept."""
    gone = [field for field, wanted in _FIELDS.items() if wanted.isdisjoint(subjects)]
    return {field: History.model_fields[field].default for field in gone}


def _together(known: Baskets, data: Data, at: Micros, counting: Suggestions) -> dict[str, object]:
    match data:
        case PurchaseMade():
            return {"baskets": baskets.bought(known, data, at, counting.lines, counting.worth)}
        case PurchaseReturned() if data.items:
            return {"baskets": baskets.gave_back(known, data)}
    return {}


def _part(
    history: History,
    subjects: frozenset[Subject],
    event: Event,
    at: Micros,
    now: Micros,
    name: Name | None,
    told: Heard,
) -> dict[str, object]:
    """The part of the history that the fact changes, as it is then."""
    data = event.data
    bought = history.purchases or Purchases()
    match data:
        case PurchaseMade() if name is not None:
            return {"purchases": purchases.bought(bought, subjects, data, name, at, now)}
        case PurchaseReturned() if name is not None:
            return {"purchases": purchases.gave_back(bought, data, name, told, now)}
        case LoyaltyData():
            return {"loyalty": terms.membership(history.loyalty, data, event.source, at)}
        case SubscriptionTerm():
            return {"subscriptions": terms.term(history.subscriptions, data, at)}
        case SubscriptionCancelled():
            return {"subscriptions": terms.cancelled(history.subscriptions, data, at)}
        case ProductRegistered():
            return {"products": terms.registered(history.products, data)}
        case InteractionLogged():
            return {"contacts": contacts.contact(history.contacts, data, at)}
        case SurveyAnswered():
            return {"scores": contacts.answered(history.scores, data, at)}
        case ReviewPosted():
            return {"reviews": contacts.reviewed(history.reviews, data, at)}
        case SegmentChanged() if history.segment is None or at >= history.segment.at:
            return {"segment": Segment(data.to, at)}
        case HealthChanged() | ChurnWarned():
            return {"health": health.told(history.health, data, at)}
        case _:
            return {}
