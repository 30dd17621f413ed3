"""What came of the rules."""

from datetime import date, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query

from services.followup import errors
from services.followup.domain.policy import Policy
from services.followup.domain.results.arms import shares_of
from services.followup.domain.results.report import Report, report
from services.followup.domain.rules.rule import RESERVED
from services.followup.models.results import ResultsAnswer, results_answer
from services.followup.routes.dependencies import Analyst, InForce, Store
from services.followup.store import FollowupStore
from shared.http.dependencies import Clock
from shared.http.errors import responses
from shared.http.moments import QueryTime
from shared.schemas.times import micros

DEFAULT_DAYS = 30

router = APIRouter(tags=["followup"])


Since = Annotated[QueryTime | None, Query(alias="from", description="Default: the 30 days up to ``to``.")]
Until = Annotated[QueryTime | None, Query(alias="to", description="Default: now.")]


@router.get(
    "/rules/{name}/results",
    summary="What became of a rule's messages",
    response_model=ResultsAnswer,
    responses=responses(errors.UNKNOWN_RULE, errors.BAD_TIME),
)
async def read_results(
    name: str,
    policy: InForce,
    store: Store,
    clock: Clock,
    principal: Analyst,
    since: Since = None,
    until: Until = None,
) -> ResultsAnswer:
    """Of messages that are due on the UTC days which ``from`` to ``to`` (not included) touch, and of people
    to whom the rule applied then for the first time."""
    now = await clock.now(None)
    first, last = days_of(since, until, now)
    found = await results_of(store, policy, name, first, last, now)
    return results_answer(name, first, last, found)


def days_of(since: datetime | None, until: datetime | None, now: datetime) -> tuple[date, date]:
    """The first day, and the day after the last. Raises ``RefusedError``."""
    end = until or now
    if since is not None and since >= end:
        raise errors.BAD_TIME(field="from")
    after = (end - timedelta(microseconds=1)).date() + timedelta(days=1)
    return after - timedelta(days=DEFAULT_DAYS) if since is None else since.date(), after


async def results_of(
    store: FollowupStore, policy: Policy, name: str, since: date, until: date, now: datetime
) -> Report:
    """Of one rule, of whatever version, or of what is sent by hand. Raises ``RefusedError`` where there is
    none of that name."""
    rule = policy.rule(name, micros(now))
    if rule is None and name not in RESERVED:
        raise errors.UNKNOWN_RULE(rule=name)
    sums = await store.results(name, since, until)
    return report(sums, {} if rule is None else shares_of(policy.at(micros(now)).rules, rule))
