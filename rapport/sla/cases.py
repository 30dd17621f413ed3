"""The complaints of a recording, each with its log as the clocks take it.

They are folded by the service's own domain, under a policy that promises nothing: what a clock tells changes
no complaint, so one pass over the recording serves every policy.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from rapport.replay.feed import Progress
from rapport.simulate.memory import Arrival, MemoryRun
from services.interactions.domain.apply import apply
from services.interactions.domain.complaints.log import facts_of
from services.interactions.domain.sla.log import Fact
from services.interactions.domain.sla.policy import Sla
from services.interactions.domain.state import MAX_COMPLAINTS, Complaint, Customer, initial
from shared.domain import Effects
from shared.schemas.base import Data
from shared.schemas.complaints import ComplaintClockData, ComplaintOpened
from shared.schemas.customers import CustomerErased
from shared.schemas.event import Event
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
    """A complaint."""

    complaint_id: str
    customer_id: str
    opened_at: Micros
    log: tuple[Fact, ...]
    ended_at: Micros | None = None
    """When its customer was erased."""


@dataclass(frozen=True, slots=True)
class Recording:
    """What was recorded."""

    cases: list[Case]
    """By the time of their opening."""
    events: int
    """All up to the end."""
    tiers: int
    """Events that tell of a member's tier."""
    refused: int
    """Those that the service would set aside as dead letters."""
    first: datetime
    end: datetime


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
            gone = self.state(event.subject)
            self._over += [_case(gone, complaint, micros(event.time)) for complaint in gone.complaints]
            self.forget(event.subject)

    def applied(self, event: Event, before: Customer, effects: Effects[Customer]) -> None:
        self.refusals += len(effects.retracts)
        self.tiers += isinstance(event.data, KEPT)
        if isinstance(event.data, ComplaintOpened) and len(before.complaints) >= MAX_COMPLAINTS:
            kept = {complaint.complaint_id for complaint in effects.state.complaints}
            self._over += [_case(before, one) for one in before.complaints if one.complaint_id not in kept]

    def refused(self, event: Event, code: str, bug: Exception | None) -> None:
        self.refusals += 1

    def all_cases(self) -> list[Case]:
        cases = [_case(customer, one) for customer in self.states.values() for one in customer.complaints]
        return sorted(
            self._over + cases, key=lambda case: (case.opened_at, case.customer_id, case.complaint_id)
        )


def _case(customer: Customer, complaint: Complaint, ended_at: Micros | None = None) -> Case:
    log = facts_of(customer, complaint)
    return Case(complaint.complaint_id, customer.customer_id, complaint.opened_at, log, ended_at)
