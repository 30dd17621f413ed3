"""The customer's tier and segment by time: an SLA policy may ask for them, as they were."""

from bisect import insort
from collections.abc import Iterator
from typing import Literal

from services.interactions.domain.activity.loyalty import LOYALTY
from services.interactions.domain.state import MAX_MATCHED, Customer, Matched, altered
from services.interactions.domain.telling import Told
from shared.schemas.customers import Profile
from shared.schemas.loyalty import MemberEnrolled, TierChanged


def with_matched(customer: Customer, told: Told) -> Customer:
    """With what a fact tells of either; of two of one time the later in the log holds."""
    new = _told(told)
    if new is None:
        return customer
    marks = [m for m in customer.matched if (m.at, m.field) != (new.at, new.field)]
    insort(marks, new, key=lambda mark: mark.at)
    return altered(customer, matched=tuple(_needed(marks))[-MAX_MATCHED:])


def _told(told: Told) -> Matched | None:
    field: Literal["tier", "segment"] = "tier"
    match told.event.data:
        case TierChanged(to=value):
            pass
        case MemberEnrolled(tier=str(value)) if told.event.source == LOYALTY:
            pass
        case Profile(segment=value) as data if "segment" in data.model_fields_set:
            field = "segment"
        case _:
            return None
    return Matched(at=told.at, field=field, value=value)


def _needed(marks: list[Matched]) -> Iterator[Matched]:
    """Of those that say the same one after another, the first and the last: sources tell the whole profile
    with every change of it."""
    for place, mark in enumerate(marks):
        before = next((m for m in reversed(marks[:place]) if m.field == mark.field), None)
        after = next((m for m in marks[place + 1 :] if m.field == mark.field), None)
        if before is None or after is None or not before.value == mark.value == after.value:
            yield mark
