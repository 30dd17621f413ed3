"""A recording's complaints, and conversations that are none, each with its log as the clocks take it.

They are folded by the service's own domain, under a policy that promises nothing: what a clock tells changes
no complaint, so one pass over the recording serves every policy. A log is what is known at the end: what
the service was told late, it may have told of otherwise meanwhile.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from rapport.replay.feed import Progress
from rapport.simulate.memory import Arrival, MemoryRun
from services.interactions.domain.apply import apply
from services.interactions.domain.complaints.log import facts_of
from services.interactions.domain.conversations.course import course
from services.interactions.domain.conversations.promises import log_of
from services.interactions.domain.conversations.room import MAX_LOOSE
from services.interactions.domain.sla.log import Fact, Kind
from services.interactions.domain.sla.policy import Sla, Subject
from services.interactions.domain.state import MAX_COMPLAINTS, Customer, initial
from shared.domain import Effects
from shared.schemas.base import Data
from shared.schemas.complaints import ComplaintClockData, ComplaintOpened
from shared.schemas.customers import CustomerErased
from shared.schemas.event import Event
from shared.schemas.interactions import InteractionLogged
from shared.schemas.loyalty import MemberEnrolled, TierChanged
from shared.schemas.times import Micros, micros
from shared.schemas.topics import TOPICS

KEPT: tuple[type[Data], ...] = (TierChanged, MemberEnrolled)
"""What other services tell that a policy may ask for."""
USED: tuple[type[Data], ...] = (
    *(
        cls
        for topic in ("customers", "interactions", "complaints", "feedback")
        for cls in TOPICS[topic]
        if not issubclass(cls, ComplaintClockData)
    ),
    *KEPT,
)
"""All that a complaint's log may depend on."""
REPORT_EVERY = 250
_NO_PROMISE = Sla.model_validate({"name": "none", "versions": [{"effective": "2200-01-01", "policies": []}]})


@dataclass(frozen=True, slots=True)
class Case:
    """A complaint, or a conversation that is none."""

    subject: Subject
    id: str
    customer_id: str
    opened_at: Micros
    log: tuple[Fact, ...]
    ended_at: Micros | None = None
    """When its customer was erased."""


@dataclass(frozen=True, slots=True)
class Recording:
    """What was recorded."""

    cases: list[Case]
    """By the time of their opening, complaints and conversations."""
    events: int
    """All up to the end."""
    tiers: int
    """Events that tell of a member's tier."""
    refused: int
    """Those that the service would set aside as dead letters."""
    first: datetime
    end: datetime

    def of(self, subject: Subject) -> list[Case]:
        """The complaints, or the conversations."""
        return [case for case in self.cases if case.subject == subject]


def recorded(
    arrivals: Iterable[Arrival],
    *,
    until: datetime | None = None,
    report: Callable[[Progress], None] = lambda _: None,
) -> Recording | None:
    """The complaints of ``arrivals``, which come in the order of time; None where there is no event.

    It ends at ``until`` (default: the last arrival), inclusive. ``report`` is called now and then with one
    object that changes.
    """
    run, done, first = _Fold(), Progress(), None
    for at, event in arrivals:
        if until is not None and at > until:
            break
        first = first or at
        if event is not None:
            run.take(at, event)
        done.events += 1
        done.reached = at
        if done.events % REPORT_EVERY == 0:
            report(done)
    report(done)
    if first is None or done.reached is None:
        return None
    return Recording(run.all_cases(), done.events, run.tiers, run.refusals, first, until or done.reached)


class _Fold(MemoryRun[Customer]):
    """Interactions' worker."""

    def __init__(self) -> None:
        super().__init__("interactions", partial(apply, _NO_PROMISE), initial)
        self.refusals = self.tiers = 0
        self._over: list[Case] = []
        """Those that no state has any more."""

    def take(self, at: datetime, event: Event) -> None:
        super().take(at, event)
        if isinstance(event.data, CustomerErased):
            self._over += _cases(self.state(event.subject), ended_at=micros(event.time))
            self.forget(event.subject)

    def applied(self, event: Event, before: Customer, effects: Effects[Customer]) -> None:
        self.refusals += len(effects.retracts)
        self.tiers += isinstance(event.data, KEPT)
        if _may_forget(event, before):
            kept = {(case.subject, case.id) for case in _cases(effects.state)}
            self._over += [case for case in _cases(before) if (case.subject, case.id) not in kept]

    def refused(self, event: Event, code: str, bug: Exception | None) -> None:
        self.refusals += 1

    def all_cases(self) -> list[Case]:
        cases = [case for customer in self.states.values() for case in _cases(customer)]
        return sorted(self._over + cases, key=lambda case: (case.opened_at, case.customer_id, case.id))


def _may_forget(event: Event, before: Customer) -> bool:
    """Whether the customer has as much as is kept of one."""
    match event.data:
        case ComplaintOpened():
            return len(before.complaints) >= MAX_COMPLAINTS
        case InteractionLogged():
            return len(before.conversations.messages) >= MAX_LOOSE
        case _:
            return False


def _cases(customer: Customer, ended_at: Micros | None = None) -> Iterator[Case]:
    """Of a conversation so long that messages of it are forgotten, what is left."""
    for complaint in customer.complaints:
        log = facts_of(customer, complaint)
        yield Case(
            "complaints", complaint.complaint_id, customer.customer_id, complaint.opened_at, log, ended_at
        )
    if not customer.conversations.messages:
        return
    now = course(customer.conversations)
    complained = {now.survivor(c.conversation_id) for c in customer.complaints if c.conversation_id}
    for conversation in now.open.values():
        log = tuple(log_of(customer, conversation))
        begun = next((fact.at for fact in log if fact.kind == Kind.OPENED), None)
        if begun is not None and conversation.conversation_id not in complained:
            yield Case(
                "conversations", conversation.conversation_id, customer.customer_id, begun, log, ended_at
            )
