"""A customer as they were at a time, as the API answers it; and consents in pages."""

import json
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Query
from pydantic import BeforeValidator

from services.interactions.domain.rows import sort_key
from services.interactions.domain.state import Consent, Customer
from services.interactions.errors import AHEAD
from services.interactions.models.customers import (
    ConsentView,
    LoyaltyView,
    consent_view,
    loyalty_view,
    profile_view,
)
from shared.schemas.base import Frozen, Time
from shared.schemas.codec import AHEAD as MOST_AHEAD

_space_offset = re.compile(r"(.*:\d\d(?:\.\d+)?) (\d\d:\d\d)").fullmatch


def _plus(value: Any) -> Any:
    # An unescaped plus in a URL is a space.
    if isinstance(value, str) and (parts := _space_offset(value)) is not None:
        return f"{parts[1]}+{parts[2]}"
    return value


PastTime = Annotated[
    Time,
    BeforeValidator(_plus),
    Query(description="As it was at this time (RFC 3339, with an offset), by the times of the events."),
]


class CustomerThen(Frozen):
    """What was so at a time, as far as is known today: facts told since of an earlier time count, and of what
    was not heard of by then there is nothing here."""

    customer_id: str
    at: datetime
    profile: dict[str, Any]
    consents: list[ConsentView]
    loyalty: LoyaltyView | None


def customer_then(past: Customer, at: datetime) -> CustomerThen:
    return CustomerThen(
        customer_id=past.customer_id,
        at=at.astimezone(UTC),
        profile=profile_view(past),
        consents=[consent_view(c) for c in past.consents],
        loyalty=loyalty_view(past, at),
    )


def not_ahead(at: datetime, wall_now: datetime) -> datetime:
    """The time. Raises 422 ``ahead`` where nothing can be told of it yet: no event may be dated so."""
    if at - wall_now > MOST_AHEAD:
        raise AHEAD(at=at.isoformat(), field="query.at")
    return at


def consents_before(consents: Iterable[Consent], before: str | None, limit: int) -> list[Consent]:
    """The consents in pages, those changed last first; ``before`` is the ``consent_place`` of the last one
    shown."""
    places = {consent_place(c): c for c in consents}
    shown = sorted((place for place in places if before is None or place < before), reverse=True)
    return [places[place] for place in shown[:limit]]


def consent_place(consent: Consent) -> str:
    """Orders a customer's consents exactly."""
    return sort_key(consent.at, json.dumps([consent.purpose, consent.channel, consent.topic]))
