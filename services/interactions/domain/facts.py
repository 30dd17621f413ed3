"""What each fact changes: of the customer, and of the rows that people are shown."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from services.interactions import errors
from services.interactions.domain.activity.channels import channel_used
from services.interactions.domain.activity.health import churn_warned, health_changed, segment_changed
from services.interactions.domain.activity.loyalty import member_enrolled, points_moved, tier_changed
from services.interactions.domain.activity.outreach import outreach_ended, outreach_planned
from services.interactions.domain.activity.products import product_registered
from services.interactions.domain.activity.purchases import purchase_made, purchase_returned
from services.interactions.domain.activity.subscriptions import subscription_cancelled, subscription_term
from services.interactions.domain.complaints import waiting
from services.interactions.domain.complaints.opening import complaint_opened
from services.interactions.domain.complaints.steps import clock_told, complaint_stepped
from services.interactions.domain.conversations import rest
from services.interactions.domain.conversations.folds import (
    conversation_noted,
    conversation_stepped,
    interaction_logged,
)
from services.interactions.domain.conversations.messages import by_of
from services.interactions.domain.conversations.settled import with_settled
from services.interactions.domain.conversations.steps import STEP_TYPES
from services.interactions.domain.mails import mail_rows
from services.interactions.domain.merging.found import parts_with_found
from services.interactions.domain.merging.parts import marks_all, of_one_alone, with_parts
from services.interactions.domain.names import nothing_else, once, survey_answered
from services.interactions.domain.noted import noted, timeline_write
from services.interactions.domain.past import ENTRIES, placed_in_log
from services.interactions.domain.people import customer_row
from services.interactions.domain.profile.consents import consent_changed
from services.interactions.domain.profile.matched import with_matched
from services.interactions.domain.rows import CUSTOMERS
from services.interactions.domain.search import profile_rows
from services.interactions.domain.state import Customer, altered
from services.interactions.domain.telling import Change, Told
from services.interactions.domain.timeline import timeline_row
from shared.domain import Append, Effects, Put, RefusedError, Retract, Unseen
from shared.facts.complaints import TRANSITIONS
from shared.facts.profile import profile_told
from shared.schemas.base import Data
from shared.schemas.complaints import ComplaintClockData, ComplaintOpened
from shared.schemas.customers import ConsentChanged, CustomerRegistered, CustomerUpdated, Profile
from shared.schemas.feedback import ReferralMade, ReviewPosted, SurveyAnswered
from shared.schemas.insights import ChurnWarned, HealthChanged, SegmentChanged
from shared.schemas.interactions import ConversationMerged, ConversationNoted, InteractionLogged
from shared.schemas.loyalty import MemberEnrolled, TierChanged
from shared.schemas.outreach import (
    OutreachCancelled,
    OutreachFailed,
    OutreachScheduled,
    OutreachSent,
    OutreachSuppressed,
)
from shared.schemas.purchases import (
    ProductRegistered,
    PurchaseMade,
    PurchaseReturned,
    SubscriptionCancelled,
    SubscriptionRenewed,
    SubscriptionStarted,
)
from shared.schemas.times import Micros
from shared.schemas.topics import TOPICS

CLOCK_TYPES = tuple(cls for cls in TOPICS["complaints"] if issubclass(cls, ComplaintClockData))

D = TypeVar("D", bound=Data)
Plain = Callable[[Customer, D, Micros], Customer]
"""The customer after a fact of a time. Raises the fold's refusals."""
Fold = Callable[[Customer, Told], Change]


def _plain(fold: Plain[D], *kinds: type[D]) -> dict[type[Data], Fold]:
    """Here mypy sees that a fold takes the types it is given; the table itself cannot say so."""

    def folded(customer: Customer, told: Told) -> Change:
        data: Any = told.event.data
        return Change(fold(customer, data, told.at))

    return dict.fromkeys(kinds, folded)


def _profile(customer: Customer, told: Profile, at: Micros) -> Customer:
    profile = profile_told(customer.profile, told, at)
    return customer if profile is customer.profile else altered(customer, profile=profile)


FOLDS: Mapping[type[Data], Fold] = {
    **_plain(_profile, CustomerRegistered, CustomerUpdated),
    ConsentChanged: consent_changed,
    InteractionLogged: interaction_logged,
    **dict.fromkeys(STEP_TYPES, conversation_stepped),
    ConversationNoted: conversation_noted,
    ComplaintOpened: complaint_opened,
    **dict.fromkeys(TRANSITIONS, complaint_stepped),
    **dict.fromkeys(CLOCK_TYPES, clock_told),
    PurchaseMade: purchase_made,
    PurchaseReturned: purchase_returned,
    **dict.fromkeys(
        (SubscriptionStarted, SubscriptionRenewed), once(subscription_term, errors.DUPLICATE_TERM)
    ),
    **_plain(subscription_cancelled, SubscriptionCancelled),
    SurveyAnswered: survey_answered,
    ReviewPosted: once(nothing_else, errors.DUPLICATE_REVIEW),
    ReferralMade: once(nothing_else, errors.DUPLICATE_REFERRAL),
    ProductRegistered: once(product_registered, errors.DUPLICATE_PRODUCT),
    MemberEnrolled: member_enrolled,
    **_plain(points_moved, *ENTRIES),
    **_plain(tier_changed, TierChanged),
    **_plain(health_changed, HealthChanged),
    **_plain(segment_changed, SegmentChanged),
    **_plain(churn_warned, ChurnWarned),
    **_plain(outreach_planned, OutreachScheduled),
    **dict.fromkeys((OutreachSent, OutreachFailed, OutreachSuppressed, OutreachCancelled), outreach_ended),
}
"""What a fact changes beside the counts; a type not here only counts and shows in the timeline."""

REPLAYED = frozenset({*TRANSITIONS, ConversationMerged})
"""Types that are remembered though they were refused."""
CHANNEL_USES = (InteractionLogged, ComplaintOpened, PurchaseMade)
"""Facts whose channel the customer used."""


def apply_fact(customer: Customer, told: Told) -> Effects[Customer]:
    """The customer that a fact leaves, and its rows: one of the timeline, and those it changes. Of one into
    whom others were merged it changes what it was told of, too."""
    event = told.event
    if not customer.parts and event.told_of == customer.customer_id:
        return _applied(customer, told, FOLDS.get(type(event.data)))
    customer = with_parts(customer, told, _alone)
    alone = event.told_of != customer.customer_id and of_one_alone(event)
    effects = _applied(customer, told, None if alone else FOLDS.get(type(event.data)))
    return replace(effects, state=parts_with_found(effects.state, told))


def _alone(part: Customer, told: Told) -> Customer:
    """One of the ids after a fact, as if it had never been merged."""
    try:
        return _applied(part, told, FOLDS.get(type(told.event.data))).state
    except RefusedError:  # it may hold for the whole
        return part


def _applied(customer: Customer, told: Told, fold: Fold | None) -> Effects[Customer]:
    data = told.event.data
    change = Change(customer) if fold is None else with_settled(customer, fold(customer, told), told.now)
    new = _counted(change, told)
    if not customer.parts or marks_all(customer, told):
        new = with_matched(new, told)
    bad: tuple[Retract | Unseen, ...] = (*change.retracts, *change.unseen)
    if bad:
        new = noted(new, bad, told.day)
    row = timeline_row(told.event, told.at, change.note, change.complaint, change.conversation_id)
    row = placed_in_log(row, told, new)
    # One that was refused may come again, as a dead letter that was replayed, and finds its row there.
    rows: list[Append | Put] = [timeline_write(customer, told, row, again=type(data) in REPLAYED)]
    if customer.seen_at is None or new.profile is not customer.profile:
        assert new.seen_at is not None
        rows.append(Put(CUSTOMERS, customer_row(new, new.seen_at).document()))
        rows.extend(profile_rows(customer, new))
    rows.extend(change.rows)
    rows.extend(mail_rows(told, change.conversation_id))
    timers = (*waiting.timers(customer, new), *rest.timers(customer, new))
    return Effects(new, (), timers, tuple(rows), retracts=change.retracts, unseen=change.unseen)


def _counted(change: Change, told: Told) -> Customer:
    """With the facts of its topic that have an effect now, and one more use of the channel that the customer
    came by. A copy leaves all as it was."""
    customer, data = change.customer, told.event.data
    update: dict[str, Any] = {}
    if change.counted:
        counts = customer.counts
        update["counts"] = {**counts, data.topic: counts.get(data.topic, 0) + change.counted}
        if isinstance(data, CHANNEL_USES):
            wrote = isinstance(data, InteractionLogged) and by_of(data) == "customer"
            update["channels"] = channel_used(customer.channels, data.channel, told.at, wrote=wrote)
    if customer.seen_at is None:
        # A clock that runs ahead does not bring its customer before all others.
        update["seen_at"] = min(told.at, told.now)
    return altered(customer, **update) if update else customer
