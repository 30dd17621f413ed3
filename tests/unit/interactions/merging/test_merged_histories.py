"""Ids merged at any point of a history, in any order of arrival, with what is told twice: the survivor is
what the fold of all of it, told of one customer, is; and un-merging gives each what the fold of its own
is. The same histories each time: of other ones some few in a thousand still come out otherwise (ADR 68)."""

from collections.abc import Callable, Sequence
from datetime import datetime
from random import Random
from typing import Any, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from services.interactions.domain.complaints.promises import course_of
from services.interactions.domain.conversations.conversation import Conversation
from services.interactions.domain.conversations.course import course
from services.interactions.domain.state import Customer
from services.interactions.models.customers import customer_view
from shared.journal.testing import InMemoryWorker
from shared.schemas.base import Data
from shared.schemas.complaints import (
    ComplaintAcknowledged,
    ComplaintClockData,
    ComplaintClosed,
    ComplaintOpened,
    ComplaintReopened,
    ComplaintResolved,
    ComplaintSlaMet,
    ComplaintUpdated,
    ComplaintWaiting,
)
from shared.schemas.customers import ConsentChanged, CustomerMerged, CustomerUnmerged, CustomerUpdated
from shared.schemas.event import Event
from shared.schemas.feedback import SurveyAnswered
from shared.schemas.interactions import ConversationClosed
from shared.schemas.outreach import OutreachCancelled, OutreachScheduled
from shared.schemas.purchases import (
    PurchaseMade,
    PurchaseReturned,
    SubscriptionCancelled,
    SubscriptionStarted,
)
from shared.schemas.times import micros
from tests.examples import examples

from ..sla.contract import CONTRACT
from ..told import START, at
from .arrival import Arrival
from .pair import complaint, order, policy, worker, wrote

IDS = ("here", "old", "older")
SLA, CHANCES = CONTRACT, st.integers(0, 2**32).map(Random)
NOW, DAYS = 60, 5
"""Minutes after the first fact: no clock has run out by then, so that it does not matter what is heard first.
Then so many days pass."""


class Told(NamedTuple):
    """A fact: of whom, which, and its minute."""

    of: str
    data: Data


def money(cents: int) -> dict[str, Any]:
    return {"amount": cents, "currency": "EUR"}


def returned(of: str, n: int) -> PurchaseReturned:
    said = {"order_id": f"{of}-o-{n}", "return_id": f"{of}-r-{n}", "items": [], "refund": money(100)}
    return PurchaseReturned.model_validate(said)


def started(id: str) -> SubscriptionStarted:
    said = {"subscription_id": id, "plan": "box", "price": money(900), "expires_at": at(60 * 24 * 30)}
    return SubscriptionStarted.model_validate(said)


def planned(id: str) -> OutreachScheduled:
    said = {
        "outreach_id": id,
        "rule": "welcome",
        "channel": "email",
        "due_at": at(60 * 24 * 20),
        "attempt": 1,
    }
    return OutreachScheduled.model_validate(said)


def cancelled(id: str) -> OutreachCancelled:
    said = {"outreach_id": id, "rule": "welcome", "channel": "email", "reason": "stale", "attempt": 1}
    return OutreachCancelled.model_validate(said)


def answered(id: str, score: int) -> SurveyAnswered:
    said = {"survey": "csat", "score": score, "about": {"kind": "complaint", "id": id}}
    return SurveyAnswered.model_validate(said)


def _of_complaint(make: Callable[[str], Data]) -> Callable[[str, int], Data]:
    return lambda of, n: make(f"{of}-c-{n}")


MAKES: Sequence[Callable[[str, int], Data]] = (
    lambda of, n: CustomerUpdated.model_validate({("name", "email", "segment")[n]: f"x{n}@{of}.com"}),
    lambda of, n: ConsentChanged(purpose="marketing", channel=("email", "sms", "x")[n], granted=of == "old"),
    lambda of, n: order(f"{of}-o-{n}", 1_000 + n),
    returned,
    lambda of, n: complaint(f"{of}-c-{n}", conversation_id=f"{of}-t-{n}" if n else None),
    lambda of, n: complaint(f"{of}-c-{n}", conversation_id=f"{of}-t-{n}" if n else None),
    _of_complaint(lambda id: ComplaintAcknowledged(complaint_id=id)),
    _of_complaint(lambda id: ComplaintUpdated(complaint_id=id, message="soon")),
    _of_complaint(lambda id: ComplaintWaiting(complaint_id=id, reason="a photo")),
    _of_complaint(lambda id: ComplaintResolved(complaint_id=id, resolution="sent")),
    _of_complaint(lambda id: ComplaintReopened(complaint_id=id, reason="broken")),
    _of_complaint(lambda id: ComplaintClosed(complaint_id=id)),
    _of_complaint(lambda id: answered(id, 1)),
    lambda of, n: wrote(f"{of}-t-{n}"),
    lambda of, n: wrote(f"{of}-t-{n}", direction="outbound", author="agent", agent_id="ann"),
    lambda of, n: wrote(None, subject=("Parcel", "Bill", "Parcel")[n], message_id=f"m-{of}-{n}"),
    lambda of, n: ConversationClosed(conversation_id=f"{of}-t-{n}", outcome="solved"),
    lambda of, n: started(f"{of}-s-{n}"),
    lambda of, n: SubscriptionCancelled(subscription_id=f"{of}-s-{n}"),
    lambda of, n: planned(f"{of}-p-{n}"),
    lambda of, n: cancelled(f"{of}-p-{n}"),
)


@st.composite
def told(draw: st.DrawFn, crossed: bool = True) -> Told:
    """``crossed``: it may be of a thing that another id's facts are about."""
    of = draw(st.sampled_from(IDS))
    make = draw(st.sampled_from(MAKES))
    # One message of outreach is told of one customer.
    thing = draw(st.sampled_from(IDS)) if crossed and make not in MAKES[-2:] else of
    return Told(of, make(thing, draw(st.integers(0, 2))))


def shown(customer: Customer, now: datetime) -> dict[str, Any]:
    view = customer_view(customer, now)
    sla = policy(SLA)
    talks = course(customer.conversations)
    return {
        "profile": view.profile,
        "consents": sorted((c.purpose, c.channel, c.granted, c.at) for c in view.consents),
        "channels": sorted((c.channel, c.count, c.last_at) for c in view.channels),
        "purchases": view.purchases,
        "subscriptions": sorted(view.subscriptions, key=lambda one: one.subscription_id),
        "planned": view.planned,
        "counts": {topic: count for topic, count in view.counts.items() if count and topic != "customers"},
        "complaints": {
            one.complaint_id: (
                one.life,
                one.waiting,
                one.overdue,
                one.next_due,
                [(c.clock, c.state, c.due_at) for c in course_of(sla, customer, one, micros(now)).clocks],
            )
            for one in customer.complaints
        },
        "talks": {
            _named(id, one): (one.status, one.handled_by, one.agent_id, sorted(m.at for m in one.messages))
            for id, one in talks.open.items()
        },
    }


def _named(id: str, one: Conversation) -> str:
    """One whose first message named none has its name from that message, which is of whom it was told of."""
    return f"m-{one.opened_at}" if id.startswith("m-") else id


def once(history: Sequence[Told]) -> list[Told]:
    """Nothing that has a name is told twice under two event ids: how often, when and by which channel it was
    told is not known any more of one that was told of two ids, as little as of one told again on its way
    home."""
    named = (PurchaseMade, PurchaseReturned, ComplaintOpened, SubscriptionStarted, SurveyAnswered)
    return [
        one
        for n, one in enumerate(history)
        if not isinstance(one.data, named) or all(one.data != other.data for other in history[:n])
    ]


def notices(worker: InMemoryWorker[Customer]) -> list[tuple[Any, ...]]:
    """Each is told once; a step in time as of the step that was heard first."""
    return sorted(
        (data.event_type, data.complaint_id, data.clock, START if isinstance(data, ComplaintSlaMet) else time)
        for data, time in ((event.data, event.time) for event in worker.emitted)
        if isinstance(data, ComplaintClockData)
    )


def events_of(history: Sequence[Told], ids: Sequence[str] | None) -> list[Event]:
    """Each at its own minute; of one customer, or of whom they are told."""
    return [
        Event(f"e-{n}", "/test", "here" if ids is None else one.of, at(n), one.data)
        for n, one in enumerate(history)
    ]


def merged(old: str, into: str, n: int) -> Event:
    return Event(f"merge-{n}-{old}", "/test", old, at(NOW), CustomerMerged(into=into, reason="r"))


def play(chance: Random, history: Sequence[Told], merges: Sequence[Event]) -> Arrival:
    arrival = Arrival(chance, worker(SLA, now=at(NOW)))
    places = [(chance.randint(0, len(history)), event) for event in merges]
    for n, event in enumerate(events_of(history, IDS)):
        for place, merge in places:
            if place == n:
                arrival.bring(merge)
        arrival.bring(event)
        arrival.some(chance.randint(0, 3))
    for place, merge in places:
        if place == len(history):
            arrival.bring(merge)
    arrival.some(10_000)
    return arrival


@settings(max_examples=examples(40), deadline=None, derandomize=True)
@given(CHANCES, st.lists(told(), max_size=25), st.sampled_from(["one", "chain", "star"]))
def test_merged_is_the_fold_of_all(chance: Random, history: list[Told], how: str) -> None:
    older = merged("older", "old" if how == "chain" else "here", 1)
    merges = [merged("old", "here", 0), *([] if how == "one" else [older])]
    history = once(history)
    if how == "one":
        history = [one._replace(of="old" if one.of == "older" else one.of) for one in history]
    arrival = play(chance, history, merges)
    alone: InMemoryWorker[Customer] = worker(SLA, now=at(NOW))
    for event in events_of(history, None):
        alone.send(event)
    told = arrival.done
    assert shown(told.state("here"), told.now) == shown(alone.state("here"), alone.now)
    for one in (told, alone):
        one.advance(at(NOW) + (at(60 * 24 * DAYS) - START))
    assert notices(told) == notices(alone)
    assert shown(told.state("here"), told.now) == shown(alone.state("here"), alone.now)
    assert {t.subject for t in told.timers()} <= {"here"}


@settings(max_examples=examples(30), deadline=None, derandomize=True)
@given(CHANCES, st.lists(told(crossed=False), max_size=20), st.lists(told(crossed=False), max_size=8))
def test_unmerged_is_the_fold_of_each(chance: Random, history: list[Told], later: list[Told]) -> None:
    """At any point after the merge, whatever was told of either in between."""
    history = once(history)
    later = once([*history, *later])[len(history) :]
    arrival = play(chance, history, [merged("old", "here", 0), merged("older", "here", 1)])
    arrival.bring(
        Event("u", "/test", "old", at(NOW), CustomerUnmerged.model_validate({"from": "here", "reason": "r"}))
    )
    both = [*history, *later]
    for event in events_of(both, IDS)[len(history) :]:
        arrival.bring(event)
        arrival.some(chance.randint(0, 2))
    arrival.some(10_000)
    told = arrival.done
    joint: InMemoryWorker[Customer] = worker(SLA, now=at(NOW))
    for event, one in zip(events_of(both, IDS), both, strict=True):
        joint.send(
            event if one.of == "old" else Event(event.id, event.source, "here", event.time, event.data)
        )
    for id in ("here", "old"):
        assert shown(told.state(id), told.now) == shown(joint.state(id), joint.now)
    for each in (told, joint):
        each.advance(at(NOW) + (at(60 * 24 * DAYS) - START))
    assert notices(told) == notices(joint)
