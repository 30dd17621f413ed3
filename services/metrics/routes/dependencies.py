"""What Metrics' routes are given, beside what all routes are."""

import re
from dataclasses import fields
from datetime import date
from typing import Annotated, TypeVar

from fastapi import Depends, Path, Query, Request
from fastapi.exceptions import RequestValidationError
from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from services.metrics.domain.cells import KEPT_MINUTES
from services.metrics.domain.places import Selection
from services.metrics.domain.restating import KEPT_DAYS, oldest_kept
from services.metrics.figures_store import FiguresStore
from services.metrics.store import MetricsStore, store_of
from services.metrics.then import Then
from shared.http.auth import Principal, require
from shared.http.dependencies import Clock, Database
from shared.http.moments import QueryDay, QueryTime
from shared.schemas.base import Id
from shared.schemas.times import micros

MAX_DAYS = 731
CHANNEL = "Complaints, purchases and conversations of this channel, and answers about these."


D = TypeVar("D", bound=date)


async def get_store(request: Request) -> MetricsStore:
    return store_of(request.app)


def days_in(value: str) -> int:
    """``7d`` -> 7."""
    return int(value.removesuffix("d"))


def minutes_in(step: str) -> int | None:
    """``5m`` -> 5; None for a step of days."""
    return int(step.removesuffix("m")) if step.endswith("m") else None


def _is_days(value: str) -> str:
    if re.fullmatch(r"[0-9]{1,3}d", value) is None or not 1 <= days_in(value) <= MAX_DAYS:
        raise PydanticCustomError(
            "days", "must be a number of days from 1d to {most}d, e.g. 7d", {"most": MAX_DAYS}
        )
    return value


def _is_step(value: str) -> str:
    if re.fullmatch(r"[0-9]{1,4}m", value) is None:
        return _is_days(value)
    if not 1 <= int(value.removesuffix("m")) <= KEPT_MINUTES:
        raise PydanticCustomError("minutes", "must be from 1m to {most}m", {"most": KEPT_MINUTES})
    return value


def selected(
    segment: Annotated[
        str | None, Query(max_length=128, description="Customers in this segment now.")
    ] = None,
    channel: Annotated[str | None, Query(max_length=128, description=CHANNEL)] = None,
    tier: Annotated[str | None, Query(max_length=128, description="Members of it now.")] = None,
    store: Annotated[str | None, Query(max_length=128, description="Purchases in this store.")] = None,
    rule: Annotated[str | None, Query(max_length=128, description="Outreach of this rule.")] = None,
    team: Annotated[str | None, Query(max_length=128, description="What this team answers for.")] = None,
) -> Selection:
    """What the parameters select. Tier, store, rule and team are not crossed, with each other or with segment
    and channel: that is 422 ``invalid``."""
    both = {"segment": segment, "channel": channel}
    alone = {"tier": tier, "store": store, "rule": rule, "team": team}
    given = [name for name, value in alone.items() if value]
    if given and (len(given) > 1 or segment or channel):
        others = [name for name, value in {**both, **alone}.items() if value and name != given[-1]]
        raise invalid(given[-1], "crossed", f"is asked for alone, not with {' and '.join(others)}")
    return Selection(**{name: value or None for name, value in {**both, **alone}.items()})


def invalid(parameter: str, code: str, detail: str) -> RequestValidationError:
    """As a parameter that is not valid by itself: 422 ``invalid``, naming it."""
    return RequestValidationError([{"type": code, "loc": ("query", parameter), "msg": detail}])


def _in_years(value: D) -> D:
    """So that what is reckoned with it is a time too."""
    if not 1970 <= value.year <= 9000:
        raise PydanticCustomError("year", "must be in the years 1970 to 9000")
    return value


Store = Annotated[MetricsStore, Depends(get_store)]
CustomerId = Annotated[Id, Path(description="The customer's id.")]
Analyst = Annotated[Principal, Depends(require("metrics:read"))]
Teller = Annotated[Principal, Depends(require("outreach:write"))]
"""Whoever may have customers written to."""
Days = Annotated[str, AfterValidator(_is_days), Query(json_schema_extra={"pattern": "^[0-9]{1,3}d$"})]
Day = Annotated[QueryDay, AfterValidator(_in_years)]
MaybeTime = Annotated[QueryTime, AfterValidator(_in_years)] | None
Step = Annotated[str, AfterValidator(_is_step), Query(json_schema_extra={"pattern": "^[0-9]{1,4}[dm]$"})]
Selected = Annotated[Selection, Depends(selected)]


async def get_figures(database: Database) -> FiguresStore:
    return FiguresStore(database)


Figures = Annotated[FiguresStore, Depends(get_figures)]


async def then(
    store: Store,
    figures: Figures,
    clock: Clock,
    request: Request,
    as_of: Annotated[
        MaybeTime,
        Query(description="As it was told at this time, of all customers."),
    ] = None,
) -> Then | None:
    """What is asked of then; None for now."""
    if as_of is None:
        return None
    now = await clock.now(None)
    if as_of > now:
        raise invalid("as_of", "ahead", "must not be ahead of now")
    if micros(as_of) < oldest_kept(micros(now)):
        raise invalid(
            "as_of", "too_old", f"must be of the last {KEPT_DAYS} days: what was told before is not kept"
        )
    for name in (one.name for one in fields(Selection)):
        if request.query_params.get(name):
            raise invalid(name, "as_of", "is told of now alone: ask without as_of")
    return Then(store, figures, now, as_of)


AsOf = Annotated[Then | None, Depends(then)]
