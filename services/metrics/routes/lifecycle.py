"""Who comes, stays and goes: cohorts by the month of the first purchase, and the phases of customers."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query

from services.metrics import report
from services.metrics.models.lifecycle import Cohorts, Lifecycle, cohorts_answer, lifecycle_answer
from services.metrics.routes.dependencies import (
    Analyst,
    Days,
    MaybeTime,
    Selected,
    Store,
    days_in,
    invalid,
)
from shared.http.dependencies import Clock
from shared.schemas.times import day_of, micros

MAX_STEPS = 120
DEFAULT_STEPS = 12
MAX_MONTHS = 60

router = APIRouter(tags=["Lifecycle"])


@router.get("/cohorts")
async def cohorts(
    principal: Analyst,
    store: Store,
    clock: Clock,
    selection: Selected,
    by: Literal["month"] = "month",
    months: Annotated[
        int, Query(ge=1, le=MAX_MONTHS, description="How many cohorts, with this month's.")
    ] = 12,
) -> Cohorts:
    """The customers of each month, by their first purchase, and how many of them bought in each month since.

    By segment or tier: those whom customers have now. Purchases of all channels count.
    """
    for name in ("channel", "store", "rule", "team"):
        if getattr(selection, name) is not None:
            raise invalid(name, "crossed", "is not kept by cohort: ask by segment or by tier")
    return cohorts_answer(await report.cohorts(store, await clock.now(None), months, selection))


@router.get("/lifecycle")
async def lifecycle(
    principal: Analyst,
    store: Store,
    clock: Clock,
    selection: Selected,
    from_: Annotated[MaybeTime, Query(alias="from", description="Default: 12 steps before ``to``.")] = None,
    to: Annotated[MaybeTime, Query(description="Default: now.")] = None,
    step: Days = "7d",
) -> Lifecycle:
    """Of each ``step`` days the customers who are new, returning, resurrected or dormant, beside the days
    before, of the UTC days that ``from`` to ``to`` (not included) touch. What is returning and dormant
    together is the days before; what is new, returning and resurrected, these."""
    now, days = await clock.now(None), days_in(step)
    end = to or now
    last = min(day_of(micros(end) - 1), day_of(micros(now)))
    first = last - DEFAULT_STEPS * days + 1 if from_ is None else day_of(micros(from_))
    if from_ is not None and from_ >= end:
        raise invalid("from", "order", "must be before to")
    if (last - first) // days >= MAX_STEPS:
        raise invalid("step", "too_many", f"gives more than {MAX_STEPS} steps: take a longer one")
    found = await report.lifecycle(store, first=first, last=last, step=days, selected=selection)
    return lifecycle_answer(step, found)
