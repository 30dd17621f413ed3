"""What the API answers of cohorts and of the lifecycle."""

from collections.abc import Iterable
from datetime import date
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from services.metrics.domain import cohorts
from services.metrics.domain.cohorts import Cohort
from services.metrics.domain.kpis.shares import share
from services.metrics.domain.lifecycle import Phases
from shared.schemas.base import Frozen
from shared.schemas.times import date_of

WHOLE = ConfigDict(json_schema_extra={"required": ["items", "cursor"]})


class CohortMonth(Frozen):
    """A cohort in one month."""

    month: str
    """``YYYY-MM`` (UTC)."""
    customers: int
    """Those of the cohort who bought in it."""
    share: float | None
    """Of the whole cohort; null of an empty one."""


class CohortRow(Frozen):
    """The customers whose first purchase was in one month."""

    cohort: str
    """That month, ``YYYY-MM`` (UTC)."""
    customers: int
    months: list[CohortMonth]
    """From that month on until this one, which is not over yet."""


class Cohorts(Frozen):
    """The newest first: a triangle."""

    model_config = WHOLE

    by: Literal["month"]
    items: list[CohortRow]
    cursor: None = None
    """Always null: it comes whole."""


class LifecycleStep(Frozen):
    """Customers of the UTC days from ``from`` to ``to``, which is not in it, beside those of as many days
    before."""

    from_: Annotated[date, Field(serialization_alias="from")]
    to: date
    new: int
    """Bought for the first time."""
    returning: int
    """Bought in both."""
    resurrected: int
    """Bought again, but not in the days before."""
    dormant: int
    """Bought in the days before, and not in these."""


class Lifecycle(Frozen):
    """Newest first."""

    model_config = WHOLE

    step: str
    items: list[LifecycleStep]
    cursor: None = None
    """Always null: it comes whole."""


def cohorts_answer(found: Iterable[Cohort]) -> Cohorts:
    """The answer to ``GET /cohorts``."""
    return Cohorts(by="month", items=[_row(cohort) for cohort in found])


def _row(cohort: Cohort) -> CohortRow:
    months = [
        CohortMonth(month=_name(cohort.month + after), customers=n, share=share(n, cohort.active[0]))
        for after, n in enumerate(cohort.active)
    ]
    return CohortRow(cohort=_name(cohort.month), customers=cohort.active[0], months=months)


def _name(month: int) -> str:
    return date_of(cohorts.first_day(month)).isoformat()[:7]


def lifecycle_answer(step: str, found: Iterable[tuple[int, int, Phases]]) -> Lifecycle:
    """The answer to ``GET /lifecycle``: first and last day of each step."""
    items = [
        LifecycleStep(
            from_=date_of(first),
            to=date_of(last + 1),
            new=phases.new,
            returning=phases.returning,
            resurrected=phases.resurrected,
            dormant=phases.dormant,
        )
        for first, last, phases in found
    ]
    return Lifecycle(step=step, items=items)
