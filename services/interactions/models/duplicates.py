"""Customers who may be one person, as the API answers them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal, cast

from services.interactions.domain.duplicates.rows import DuplicateRow
from services.interactions.domain.duplicates.state import Status
from services.interactions.domain.people import CustomerRow
from services.interactions.models.customers import CustomerHit, customer_hit
from shared.schemas.base import Frozen, Id, Strict
from shared.schemas.commands.duplicates import Likeness
from shared.schemas.times import maybe_moment, moment


class DuplicateView(Frozen):
    """Two customers who may be one. ``reasons``: an alias that both are called by, or a birthday or postcode
    and close names; ``score``: how close these are, of 100, where that is a reason."""

    duplicate_id: str
    customers: tuple[CustomerHit, CustomerHit]
    reasons: list[Likeness]
    score: int | None
    status: Status
    suggested_at: datetime
    decided_at: datetime | None
    decided_by: str | None


class Rejected(Frozen):
    duplicate_id: str
    status: Literal["rejected"]


class Confirm(Strict):
    """Which of the two goes on; left out, the one first seen."""

    into: Id | None = None


class Confirmed(Frozen):
    """``customer_id`` was merged ``into``."""

    duplicate_id: str
    status: Literal["confirmed"]
    customer_id: str
    into: str


def duplicate_view(row: DuplicateRow, known: Mapping[str, CustomerRow]) -> DuplicateView:
    """``known``: the rows of the two, where they have one."""
    one, other = (_hit(id, known) for id in (row.customer, row.other))
    return DuplicateView(
        duplicate_id=row.key,
        customers=(one, other),
        reasons=cast(list[Likeness], row.reasons),
        score=row.score,
        status=cast(Status, row.status),
        suggested_at=moment(row.at),
        decided_at=maybe_moment(row.decided_at),
        decided_by=row.decided_by,
    )


def apart(rows: Sequence[DuplicateRow], now: Mapping[str, str]) -> list[DuplicateRow]:
    """Those who are two by now as well."""
    return [row for row in rows if now[row.customer] != now[row.other]]


def first_seen(row: DuplicateRow, known: Mapping[str, CustomerRow]) -> str:
    """Of the two, the one who goes on unless somebody says otherwise."""
    return min(
        (row.customer, row.other), key=lambda id: (id not in known, known[id].order if id in known else id)
    )


def _hit(customer_id: str, known: Mapping[str, CustomerRow]) -> CustomerHit:
    row = known.get(customer_id)
    return CustomerHit(customer_id=customer_id) if row is None else customer_hit(row)
