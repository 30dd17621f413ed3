"""What each event does to a customer's record and to the aggregates.

Deterministic, and independent of how events are cut into batches: the sum of the deltas is what the record
counts as. What happened is decided by event times, whatever is heard first (``shared.facts``); duplicates
are removed before (``journal/seen.py``).

Some events change what the record keeps whole (segment, orders, complaints, answers about a thing); what
others count as, the KPIs say (``kpis/counting.py``).
"""

from collections.abc import Callable

from services.metrics.domain import agents, answers, complaints, orders, outreach, subscriptions, talks
from services.metrics.domain.cells import KEPT_MINUTES, MINUTE, Delta, add
from services.metrics.domain.kpis.counting import EVENT_COUNTS, CountEvent
from services.metrics.domain.state import Ids
from services.metrics.domain.ties import any_in as any_tied
from services.metrics.domain.tracked import Tracked
from shared.facts.complaints import KINDS
from shared.facts.profile import Known, profile_told
from shared.schemas.base import Data
from shared.schemas.commands.merging import MERGING
from shared.schemas.commands.themes import ThemeActRequested
from shared.schemas.complaints import ComplaintSlaBreached, ComplaintSlaMet
from shared.schemas.customers import (
    CustomerErased,
    CustomerMerged,
    CustomerRegistered,
    CustomerUnmerged,
    CustomerUpdated,
    ErasureLifted,
    Profile,
)
from shared.schemas.event import Event
from shared.schemas.feedback import ReviewPosted, SurveyAnswered
from shared.schemas.interactions import (
    ConversationAssigned,
    ConversationClosed,
    ConversationEscalated,
    ConversationMerged,
    ConversationReturned,
    InteractionLogged,
)
from shared.schemas.loyalty import MemberEnrolled, TierChanged
from shared.schemas.outreach import OutreachBounced, OutreachFailed, OutreachSent, OutreachSuppressed
from shared.schemas.purchases import (
    PurchaseMade,
    PurchaseReturned,
    SubscriptionCancelled,
    SubscriptionRenewed,
    SubscriptionStarted,
)
from shared.schemas.teams import AgentChanged
from shared.schemas.times import Micros, day_of, micros

Apply = Callable[[Tracked, Event, Micros, Micros, Delta, int], Ids]
"""Record, event, when it happened, now, the delta, and the event's id; changes the record and the delta in
place, and says what ``apply`` does."""

SEGMENT = frozenset({"segment"})
LOYALTY = "/rapport/loyalty"


def apply(tracked: Tracked, event: Event, now: Micros, delta: Delta, id: int = 0) -> Ids:
    """Let one event take effect on the record and the delta, both in place.

    ``now``: the wall clock or the watermark. An event from the future counts on its own day and makes
    nothing older. ``id``: the hash of its id, 0 where none is kept.

    Returns the ids to be known from now on, mostly its own: not of an event that has no effect, or may come
    to have none, since it may be another service's dead letter; put right under that id it has one. Heard
    again as it is, it has no second.
    """
    take = _BY_TYPE.get(type(event.data))
    if take is None:
        return (id,)
    if tracked.data.waiting and id in tracked.data.waiting:
        return ()
    if not tracked.data.by_days:
        tracked.recount(delta)
    at = micros(event.time)
    since = now // MINUTE - KEPT_MINUTES
    if since > delta.since:
        delta.since = since
    day = day_of(min(at, now))
    tracked.data.latest, tracked.data.since = max(tracked.data.latest, day), min(tracked.data.since, day)
    return take(tracked, event, at, now, delta, id)


def _profile(tracked: Tracked, event: Event, at: Micros, _: Micros, delta: Delta, id: int) -> Ids:
    record, data = tracked.data, event.data
    assert isinstance(data, Profile)
    known = {} if record.segment_at is None else {"segment": Known(encoded="", at=record.segment_at)}
    told = profile_told(known, data, at, SEGMENT)
    if told is known:
        return (id,)
    record.segment_at = told["segment"].at
    named = told["segment"].value
    segment = named or record.looked.segment  # where the profile names none, what health makes of it holds
    record.placed = not named and bool(segment)
    if segment != record.segment:
        tracked.move(segment, record.tier, delta)
    return (id,)


def _tier(tracked: Tracked, event: Event, _at: Micros, _now: Micros, delta: Delta, id: int) -> Ids:
    """Loyalty tells it in the order of its log: what was told last holds, as in the other services. What
    others say of an enrolment tells no tier."""
    record, data = tracked.data, event.data
    assert isinstance(data, MemberEnrolled | TierChanged)
    tier = data.to if isinstance(data, TierChanged) else data.tier if event.source == LOYALTY else None
    if tier is not None and tier != record.tier:
        tracked.move(record.segment, tier, delta)
    return (id,)


def _answered(count: CountEvent) -> Apply:
    def counted(tracked: Tracked, event: Event, at: Micros, now: Micros, delta: Delta, id: int) -> Ids:
        data = event.data
        assert isinstance(data, SurveyAnswered)
        answers.told(tracked, data, count(data), at, delta)
        outreach.answered(tracked, data, at, now, delta)
        return (id,)

    return counted


def _counting(count: CountEvent) -> Apply:
    def counted(tracked: Tracked, event: Event, at: Micros, _: Micros, delta: Delta, id: int) -> Ids:
        counts = count(event.data)
        if counts:  # else the record would keep a day on which nothing counts
            tracked.count_event(delta, at, counts)
        return (id,)

    return counted


def _read(_tracked: Tracked, _event: Event, _at: Micros, _now: Micros, _delta: Delta, id: int) -> Ids:
    """Counts by its text alone (``texts``), or is kept beside the records (``acts``)."""
    return (id,)


def _tied(take: Apply) -> Apply:
    """Of a fact by which others count too: what these counted as is taken back."""

    def taken(tracked: Tracked, event: Event, at: Micros, now: Micros, delta: Delta, id: int) -> Ids:
        if tracked.data.months is None:
            tracked.begin(delta)
        before = [*tracked.ties()] if any_tied(tracked.data) else ()
        known = take(tracked, event, at, now, delta, id)
        if not any_tied(tracked.data):
            return known
        after = [*tracked.ties()]
        if after != before:
            for cell, n in before:
                add(delta, cell, -n)
            for cell, n in after:
                add(delta, cell, n)
        return known

    return taken


def _both(one: Apply, other: Apply) -> Apply:
    def taken(tracked: Tracked, event: Event, at: Micros, now: Micros, delta: Delta, id: int) -> Ids:
        known = one(tracked, event, at, now, delta, id)
        other(tracked, event, at, now, delta, id)
        return known

    return taken


def _table() -> dict[type[Data], Apply]:
    table = dict(_KEPT)
    for kind, count in EVENT_COUNTS.items():
        counting = _answered(count) if kind is SurveyAnswered else _counting(count)
        table[kind] = _both(table[kind], counting) if kind in table else counting
    return table


_KEPT: dict[type[Data], Apply] = {
    CustomerRegistered: _profile,
    CustomerUpdated: _profile,
    MemberEnrolled: _tier,
    TierChanged: _tier,
    PurchaseMade: _tied(orders.made),
    PurchaseReturned: _tied(orders.returned),
    SubscriptionStarted: _tied(subscriptions.told),
    SubscriptionRenewed: _tied(subscriptions.told),
    SubscriptionCancelled: _tied(subscriptions.told),
    **dict.fromkeys(KINDS, _tied(complaints.told)),
    ComplaintSlaMet: complaints.judged,
    ComplaintSlaBreached: complaints.judged,
    InteractionLogged: talks.logged,
    ConversationEscalated: talks.handed,
    ConversationAssigned: talks.handed,
    ConversationReturned: talks.handed,
    ConversationClosed: talks.handed,
    ConversationMerged: talks.merged,
    AgentChanged: agents.changed,
    OutreachSent: outreach.went,
    OutreachFailed: outreach.went,
    OutreachSuppressed: outreach.refused,
    OutreachBounced: outreach.came_back,
    ReviewPosted: _read,
    ThemeActRequested: _read,
}
_BY_TYPE = _table()

CONSUMES: tuple[type[Data], ...] = (
    *_BY_TYPE,
    CustomerErased,
    ErasureLifted,
    CustomerMerged,
    CustomerUnmerged,
    *MERGING["metrics"].all,
)
"""The event types that Metrics counts, and what it is asked for."""
