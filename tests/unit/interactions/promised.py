"""A worker under an SLA policy, and what it tells of a complaint's clocks."""

from datetime import datetime, timedelta
from functools import partial
from typing import Any

from services.interactions.config import parse
from services.interactions.domain.apply import apply
from services.interactions.domain.complaints.promises import course_of
from services.interactions.domain.state import Complaint
from shared.domain import Handler
from shared.journal.testing import InMemoryWorker
from shared.schemas.base import Data
from shared.schemas.complaints import (
    ComplaintAcknowledged,
    ComplaintClockData,
    ComplaintOpened,
    ComplaintReopened,
    ComplaintResolved,
    ComplaintResumed,
    ComplaintUpdated,
    ComplaintWaiting,
)
from shared.schemas.times import micros

from .sla.contract import CONTRACT
from .told import CUSTOMER, HANDLER, START, at, event

ID = "c-1"
API = "/api/interactions/me/r"
OPENED = ComplaintOpened(
    complaint_id=ID, channel="email", category="delivery", severity="critical", description="late"
)
ACKNOWLEDGED = ComplaintAcknowledged(complaint_id=ID, message="we have it")
UPDATED = ComplaintUpdated(complaint_id=ID, message="soon")
RESOLVED = ComplaintResolved(complaint_id=ID, resolution="sent again")
REOPENED = ComplaintReopened(complaint_id=ID, reason="broken")
WAITING = ComplaintWaiting(complaint_id=ID, reason="a photo")
RESUMED = ComplaintResumed(complaint_id=ID)
TIERED = """
name: by-tier
versions:
  - effective: 2020-01-01
    calendars: {always: {timezone: UTC, hours: all}}
    policies:
      - {name: gold, when: {tier: [gold]}, calendar: always, first_response: 1h}
      - {name: press, when: {segment: [press]}, calendar: always, first_response: 2h}
      - {name: rest, calendar: always, first_response: 10h}
"""


def fresh(text: str = CONTRACT, **more: Any) -> InMemoryWorker[Any]:
    handler: Handler[Any] = Handler(
        service="interactions",
        consumes=HANDLER.consumes,
        state=HANDLER.state,
        initial=HANDLER.initial,
        apply=partial(apply, parse(text)),
        collections=HANDLER.collections,
    )
    return InMemoryWorker(handler, now=START, **more)


def tell(worker: InMemoryWorker[Any], data: Data, minutes: float | None = None, source: str = "/test") -> Any:
    """One that happens now, or at a minute since the start."""
    count = len(worker.rows("timeline"))
    when = worker.now if minutes is None else at(minutes)
    told = event(data, f"e-{count}-{data.event_type}", 0, source)
    return worker.send(type(told)(told.id, told.source, told.subject, when, told.data))


def after(worker: InMemoryWorker[Any], minutes: float) -> None:
    worker.advance(at(minutes))


def minute(time: datetime) -> float:
    return (time - START) / timedelta(minutes=1)


def told(worker: InMemoryWorker[Any]) -> list[tuple[str, str, float]]:
    """What was told of clocks, in the order in which it was: kind, clock and the minute of its time."""
    return [
        (one.data.event_type.split(".")[2].removeprefix("sla_"), one.data.clock, minute(one.time))
        for one in worker.emitted
        if isinstance(one.data, ComplaintClockData)
    ]


def row(worker: InMemoryWorker[Any]) -> dict[str, Any]:
    (found,) = worker.rows("complaints")
    return found


def complaint(worker: InMemoryWorker[Any]) -> Complaint:
    (found,) = worker.state(CUSTOMER).complaints
    return found


def shown(worker: InMemoryWorker[Any], text: str = CONTRACT) -> dict[str, str]:
    """Clock -> state, as of now."""
    course = course_of(parse(text), worker.state(CUSTOMER), complaint(worker), micros(worker.now))
    return {clock.clock: clock.state for clock in course.clocks}


def minute_of(instant: int) -> float:
    return (instant - micros(START)) / 60_000_000
