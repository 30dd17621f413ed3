"""What is known of one person under two ids, as of one: field by field, in any order and in as many pieces as
one likes. Loyalty, health and the tiers and segments that clocks go by stay the survivor's own: those
services join by themselves, and tell what comes of it."""

from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any, TypeVar

from services.interactions.domain.activity.outreach import ended_joined, planned_joined
from services.interactions.domain.complaints.low_scores import MAX_SCORES
from services.interactions.domain.complaints.standing import standing
from services.interactions.domain.growth.thanks import MAX_ANSWERS
from services.interactions.domain.merging.packed import (
    names_joined,
    purchases_joined,
    shared_names,
    shared_orders,
)
from services.interactions.domain.profile.consents import consents_joined
from services.interactions.domain.routing.told import Routing
from services.interactions.domain.state import (
    MAX_CHANNELS,
    MAX_COMPLAINTS,
    MAX_NOTED,
    MAX_PRODUCTS,
    MAX_STEPS,
    MAX_SUBSCRIPTIONS,
    OTHER_CHANNEL,
    ChannelUse,
    Complaint,
    Customer,
    Subscription,
    altered,
)
from shared.facts.complaints import OPENED, Step, with_step
from shared.facts.names import NAME_BYTES, answer_key, key
from shared.facts.profile import Known
from shared.schemas.base import Open
from shared.schemas.feedback import SurveyAnswered
from shared.schemas.purchases import PurchaseMade
from shared.schemas.times import moment

M = TypeVar("M", bound=Open)


def joined(whole: Customer, piece: Customer) -> Customer:
    """The whole with what ``piece`` has, within the bounds; but for conversations (``conversations_joined``),
    as rows follow from these, and what is held, which may take effect."""
    return altered(
        whole,
        profile=_profile(whole.profile, piece.profile),
        consents=consents_joined(whole.consents, piece.consents),
        channels=_channels((*whole.channels, *piece.channels)),
        complaints=_complaints(whole.complaints, piece.complaints),
        called=whole.called.joined(piece.called),
        loyalty=whole.loyalty or piece.loyalty,
        subscriptions=_subscriptions(whole.subscriptions, piece.subscriptions),
        purchases=purchases_joined(whole.purchases, piece.purchases),
        products=_latest(
            _by_key(whole.products, piece.products, lambda one: one.product_id),
            lambda one: (one.purchased_at, one.product_id),
            MAX_PRODUCTS,
        ),
        planned=planned_joined(whole, piece),
        ended=ended_joined(whole, piece),
        names=names_joined(whole.names, piece.names),
        routing=_routing(whole.routing, piece.routing),
        scores=_later(whole.scores, piece.scores, lambda one: (one.complaint_id, one.survey))[-MAX_SCORES:],
        answers=_later(whole.answers, piece.answers, lambda one: (one.thing, one.id, one.survey))[
            -MAX_ANSWERS:
        ],
        counts=_counts(whole, piece),
        noted=names_joined(whole.noted, piece.noted)[-MAX_NOTED * NAME_BYTES :],
        seen_at=piece.seen_at if whole.seen_at is None else whole.seen_at,
    )


def _profile(one: Mapping[str, Known], other: Mapping[str, Known]) -> Mapping[str, Known]:
    newer = {name: told for name, told in other.items() if name not in one or told.at > one[name].at}
    return {**one, **newer} if newer else one


def _channels(uses: Iterable[ChannelUse]) -> tuple[ChannelUse, ...]:
    sums: dict[str, ChannelUse] = {}
    for use in uses:
        name = use.channel if use.channel in sums or len(sums) < MAX_CHANNELS else OTHER_CHANNEL
        old = sums.get(name)
        if old is None:
            sums[name] = altered(use, channel=name)
            continue
        wrote = [at for at in (old.wrote_at, use.wrote_at) if at is not None]
        sums[name] = altered(
            old,
            count=old.count + use.count,
            last_at=max(old.last_at, use.last_at),
            wrote_at=max(wrote, default=None),
        )
    return tuple(sums.values())


def _complaints(one: tuple[Complaint, ...], other: tuple[Complaint, ...]) -> tuple[Complaint, ...]:
    """Beyond the bound those that were closed longest ago are forgotten; none that is open."""
    all = {told.complaint_id: told for told in one}
    for told in other:
        known = all.get(told.complaint_id)
        all[told.complaint_id] = told if known is None else _both(known, told)
    found = tuple(all.values())
    if len(found) <= MAX_COMPLAINTS:
        return found
    closed = [told for told in found if told.life.status == "closed"]
    closed.sort(key=lambda told: (standing(told).updated_at, told.complaint_id))
    gone = {told.complaint_id for told in closed[: len(found) - MAX_COMPLAINTS]}
    return tuple(told for told in found if told.complaint_id not in gone)


def _both(one: Complaint, other: Complaint) -> Complaint:
    """That which was opened first, with all that is known of either."""
    first, second = (one, other) if one.opened_at <= other.opened_at else (other, one)
    steps = {Step(step.at, step.kind): step for step in second.steps if step.kind != OPENED}
    steps |= {Step(step.at, step.kind): step for step in first.steps}
    order: tuple[Step, ...] = ()
    for step in steps:
        order = with_step(order, step)
    silent = [at for at in (first.silent_until, second.silent_until) if at is not None]
    approvals = {approval.approval_id: approval for approval in (*second.approvals, *first.approvals)}
    return altered(
        first,
        steps=tuple(steps[step] for step in order)[-MAX_STEPS:],
        told_at=max(first.told_at, second.told_at),
        notices=tuple(dict.fromkeys((*first.notices, *second.notices))),
        silent_until=max(silent, default=None),
        approvals=tuple(approvals.values()),
        conversation_id=first.conversation_id or second.conversation_id,
    )


def _subscriptions(
    one: tuple[Subscription, ...], other: tuple[Subscription, ...]
) -> tuple[Subscription, ...]:
    all = {told.subscription_id: told for told in one}
    for told in other:
        known = all.get(told.subscription_id)
        all[told.subscription_id] = told if known is None else _one_subscription(known, told)
    if len(all) <= MAX_SUBSCRIPTIONS:
        return tuple(all.values())
    return _latest(all.values(), lambda told: (told.at, told.subscription_id), MAX_SUBSCRIPTIONS)


def _one_subscription(one: Subscription, other: Subscription) -> Subscription:
    """The later term, and the later cancellation, if it is not from before that."""
    term = max(one, other, key=lambda told: told.term_at or 0)
    end = max(one, other, key=lambda told: told.cancelled_at or 0)
    ended = end.cancelled_at is not None and end.cancelled_at >= (term.term_at or 0)
    starts = [told.started_at for told in (one, other) if told.started_at is not None]
    return altered(
        term,
        at=max(one.at, other.at),
        started_at=min(starts, default=None),
        cancelled_at=end.cancelled_at if ended else None,
        ends_at=end.ends_at if ended else None,
    )


def _routing(one: Routing, other: Routing) -> Routing:
    """A revision is never used twice: it goes on from the greater."""
    routed = _by_key(one.routed, other.routed, lambda told: told.conversation_id)
    return Routing(revision=max(one.revision, other.revision), routed=tuple(routed))


def _counts(whole: Customer, piece: Customer) -> dict[str, int]:
    """Without what was told of both, as far as its names say of which topic it is."""
    counts = dict(whole.counts)
    for topic, count in piece.counts.items():
        counts[topic] = counts.get(topic, 0) + count
    names = shared_names(whole.names, piece.names)
    owned = {key("product", one.product_id) for one in piece.products}
    owned |= {
        key("term", one.subscription_id, str(moment(one.expires_at)))
        for one in piece.subscriptions
        if one.expires_at is not None
    }
    answers = {answer_key(one.survey, one.thing, one.id) for one in piece.answers}
    answers |= {answer_key(one.survey, "complaint", one.complaint_id) for one in piece.scores}
    for topic, twice in (
        (SurveyAnswered.topic, len(answers & names)),
        (PurchaseMade.topic, shared_orders(whole.purchases, piece.purchases) + len(owned & names)),
        ("complaints", len({key("complaint", one.complaint_id) for one in piece.complaints} & names)),
    ):
        if twice:
            counts[topic] = counts.get(topic, 0) - twice
    return counts


def _by_key(one: Iterable[M], other: Iterable[M], key: Callable[[M], Hashable]) -> list[M]:
    """Each once; of two of one key ``one``'s holds."""
    known = {key(told): told for told in one}
    return [*known.values(), *(told for told in other if key(told) not in known)]


def _later(one: Iterable[M], other: Iterable[M], key: Callable[[M], Hashable]) -> tuple[M, ...]:
    """Of two of one key the later holds."""
    known: dict[Hashable, Any] = {key(told): told for told in one}
    for told in other:
        old = known.get(key(told))
        if old is None or vars(told)["at"] > old.at:
            known[key(told)] = told
    return tuple(known.values())


def _latest(items: Iterable[M], order: Callable[[M], Any], most: int) -> tuple[M, ...]:
    return tuple(sorted(items, key=order, reverse=True)[:most])
