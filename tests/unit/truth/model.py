"""What happened, said as plainly as possible: lists sorted by event time, no state, no cleverness.

Three things must depend on the order of the log, and here too: of an order, a return or an opening that is
told twice differently the first one heard holds, since nobody can know which is right; whether an agent's
wish is granted depends on what was known when it was asked; and a consent given by a clock that runs ahead
does not outlast a withdrawal that is heard later.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from shared.schemas.complaints import (
    CompensationGranted,
    ComplaintAcknowledged,
    ComplaintChanged,
    ComplaintClosed,
    ComplaintOpened,
    ComplaintReopened,
    ComplaintResolved,
    ComplaintResumed,
    ComplaintsData,
    ComplaintUpdated,
    ComplaintWaiting,
)
from shared.schemas.customers import ConsentChanged, Profile
from shared.schemas.event import Event
from shared.schemas.feedback import SurveyAnswered
from shared.schemas.loyalty import PointsRedeemed
from shared.schemas.purchases import PurchaseMade, PurchaseReturned

NEXT = {
    ComplaintAcknowledged: (("opened", "reopened"), "acknowledged"),
    ComplaintUpdated: (("opened", "acknowledged", "reopened", "resolved"), None),
    ComplaintResolved: (("opened", "acknowledged", "reopened"), "resolved"),
    ComplaintClosed: (("resolved",), "closed"),
    ComplaintReopened: (("resolved", "closed"), "reopened"),
    ComplaintWaiting: (("opened", "acknowledged", "reopened"), None),
    ComplaintResumed: (("opened", "acknowledged", "reopened"), None),
    ComplaintChanged: (("opened", "acknowledged", "reopened", "resolved"), None),
}
"""From which statuses, and to which."""
OPEN_STATUSES = ("opened", "acknowledged", "reopened")
LOW = {"csat": 2, "nps": 6}
"""Up to which score an answer about a complaint that was taken for solved reopens it."""


@dataclass(slots=True)
class Truth:
    """What there is to say about one customer."""

    orders: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Total and what is left of it, in cents."""
    profile: dict[str, Any] = field(default_factory=dict)
    complaints: dict[str, str] = field(default_factory=dict)
    """Status by id, of those that were opened."""
    answers: dict[str, int] = field(default_factory=dict)
    """How many of each survey count, and their scores' sum under ``<survey>:sum``."""
    points: int = 0
    gifts: int = 0
    """Vouchers given to make good."""
    returned: bool = False
    """Something went back."""

    @property
    def spent(self) -> int:
        """Cents, before anything went back."""
        return sum(total for total, _ in self.orders.values())

    @property
    def refunded(self) -> int:
        """Cents."""
        return self.spent - sum(left for _, left in self.orders.values())

    @property
    def open(self) -> set[str]:
        """Complaints about which somebody has to act."""
        return {name for name, status in self.complaints.items() if status in OPEN_STATUSES}

    @property
    def tier(self) -> str:
        """By all that was spent, where nothing went back: the year is not over."""
        return "gold" if self.spent >= 100_000 else "silver" if self.spent >= 30_000 else "bronze"


def unique(log: Iterable[Event]) -> Iterator[Event]:
    """Without what was delivered again."""
    seen = set[tuple[str, str, str]]()
    for event in log:
        name = event.source, event.id, event.subject
        if name not in seen:
            seen.add(name)
            yield event


def truth(log: Sequence[Event], loyalty: Sequence[Event]) -> Truth:
    """Of one customer. ``log``: the facts about them, each topic in the order of its log. ``loyalty``: what
    loyalty told of them, for what was redeemed."""
    told = list(unique(log))
    found = Truth()
    _orders(found, [e for e in told if e.data.topic == "purchases"])
    by_time = sorted(told, key=lambda e: e.time)
    for event in by_time:
        if isinstance(event.data, Profile):
            found.profile |= event.data.model_dump(mode="json", include=event.data.model_fields_set)
    answers = _holding([e for e in by_time if isinstance(e.data, SurveyAnswered)])
    _complaints(found, [e for e in told if isinstance(e.data, ComplaintsData)], answers)
    for answer in (event.data for event in answers):
        for name, n in ((answer.survey, 1), (f"{answer.survey}:sum", answer.score)):
            found.answers[name] = found.answers.get(name, 0) + n
    given = [e.data for e in told if isinstance(e.data, CompensationGranted)]
    granted = sum(one.points or 0 for one in given if one.kind == "points")
    found.gifts = sum(one.kind == "voucher" for one in given)
    spent = sum(e.data.points for e in loyalty if isinstance(e.data, PointsRedeemed))
    found.points = sum(left // 100 for _, left in found.orders.values()) + granted + spent
    return found


def consents(log: Sequence[Event], heard: Mapping[str, datetime]) -> dict[tuple[str, str, str | None], bool]:
    """What a customer allows, to one who heard each event (by ``uid``) when ``heard`` says."""
    words: dict[tuple[str, str, str | None], list[Event]] = {}
    for event in unique(log):
        if isinstance(event.data, ConsentChanged):
            told_of = event.data
            words.setdefault((told_of.purpose, told_of.channel, told_of.topic_), []).append(event)
    return {about: _allowed(told, heard) for about, told in words.items()}


def _allowed(words: Sequence[Event], heard: Mapping[str, datetime]) -> bool:
    """The latest word counts, of one time the no. To a no that is heard later, a yes of the future is as old
    as when it was heard; of such the yes heard last counts, and the one dated last. Where the person's own
    latest word is a no, an import without evidence is not asked."""
    own = [e for e in words if not (e.extensions.get("imported") and not e.data.evidence)]
    if own and not _latest(own, heard):
        return False
    return _latest(words, heard)


def _latest(words: Sequence[Event], heard: Mapping[str, datetime]) -> bool:
    def age(event: Event) -> datetime:
        return min(event.time, heard[event.uid])

    grants = [event for event in words if event.data.granted]
    if not grants:
        return False
    asked = (max(grants, key=lambda e: (e.time, age(e))), max(grants, key=lambda e: (age(e), e.time)))
    refusals = [event for event in words if not event.data.granted]
    return any(
        not any(
            no.time >= yes.time or (heard[no.uid] > heard[yes.uid] and no.time >= age(yes)) for no in refusals
        )
        for yes in asked
    )


def _orders(found: Truth, log: Sequence[Event]) -> None:
    made: dict[str, PurchaseMade] = {}
    for event in log:
        if isinstance(event.data, PurchaseMade):
            made.setdefault(event.data.order_id, event.data)
    backs = [e.data for e in log if isinstance(e.data, PurchaseReturned)]
    for order_id, order in made.items():
        mine = [back for back in backs if back.order_id == order_id]
        left, known = order.total.amount, set[str]()
        for back in mine:
            over = back.refund.amount - left
            lines = len(back.items) or len(order.items)
            if back.return_id in known or back.refund.currency != order.total.currency or over > lines:
                continue
            known.add(back.return_id)
            left -= min(back.refund.amount, left)
            found.returned = True
        found.orders[order_id] = (order.total.amount, left)


def _complaints(found: Truth, log: Sequence[Event], answers: Sequence[Event]) -> None:
    low = [(e.time, e.data.about) for e in answers if e.data.score <= LOW.get(e.data.survey, -1)]
    opened = {}
    for event in log:
        if isinstance(event.data, ComplaintOpened):
            opened.setdefault(event.data.complaint_id, event)
    for name in opened:
        status = "opened"
        steps = {(e.time, type(e.data)) for e in log if e.data.complaint_id == name and type(e.data) in NEXT}
        steps |= {(at, ComplaintReopened) for at, it in low if it and (it.kind, it.id) == ("complaint", name)}
        for _, kind in sorted(steps, key=lambda step: (step[0], [*NEXT].index(step[1]))):
            follows, to = NEXT[kind]
            if status in follows and to is not None:
                status = to
        found.complaints[name] = status


def _holding(by_time: Sequence[Event]) -> list[Event]:
    """Of two answers to one survey about one thing the later."""
    holding: dict[Any, Event] = {}
    for n, event in enumerate(by_time):
        about = event.data.about
        holding[n if about is None else (event.data.survey, about.kind, about.id)] = event
    return list(holding.values())
