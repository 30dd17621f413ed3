"""What is snoozed comes back: when its time has come, at one timer a customer; or before, when the customer
writes."""

from services.interactions.domain.conversations.course import course
from services.interactions.domain.conversations.known import Conversations
from services.interactions.domain.state import Customer, altered
from shared.domain import CancelTimer, SetTimer
from shared.schemas.times import Micros, moment, timer_instant

TIMER = "snoozed"


def awake(known: Conversations, now: Micros) -> Conversations:
    """With all that is snoozed until ``now`` or less back, however late it was heard."""
    due = (s.until is not None and known.awake_at < s.until <= now for s in known.steps)
    return altered(known, awake_at=now) if any(due) else known


def timers(before: Customer, after: Customer) -> tuple[SetTimer | CancelTimer, ...]:
    """The timer of the one that comes back next, where that is another one now."""
    if before.conversations is after.conversations:
        return ()
    old, new = (course(customer.conversations).next_wake() for customer in (before, after))
    if old == new:
        return ()
    return (CancelTimer(TIMER) if new is None else timer(new),)


def timer(at: Micros) -> SetTimer:
    return SetTimer(TIMER, moment(timer_instant(at)))
