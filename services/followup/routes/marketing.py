"""Pages for marketers: what the rules bring, and what is planned (ADR 41). They work without JavaScript."""

import asyncio
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi.responses import HTMLResponse

from services.followup import marketing
from services.followup.domain.policy import Policy
from services.followup.domain.results.cells import Cell
from services.followup.domain.results.report import funnel, report
from services.followup.domain.rules.rule import RESERVED
from services.followup.marketing.calendar import CALENDAR_DAYS
from services.followup.marketing.views import Shown, overview, rule_page
from services.followup.routes.dependencies import InForce, Store
from services.followup.routes.results import Since, Until, days_of, results_of
from services.followup.store import FollowupStore
from shared.http.auth import Principal, page_for
from shared.http.dependencies import Clock
from shared.pages.drawing import environment, headers
from shared.schemas.times import micros

router = APIRouter(tags=["pages"], prefix="/marketing", default_response_class=HTMLResponse)


Marketer = Annotated[Principal, Depends(page_for("metrics:read"))]


PAGES = Path(marketing.__file__).parent / "pages"


@cache
def _headers() -> Mapping[str, str]:
    return headers(environment(PAGES).get_template("style.css").render())


def _page(template: str, told: Mapping[str, Any]) -> HTMLResponse:
    html = environment(PAGES).get_template(template).render(told)
    return HTMLResponse(html, headers=dict(_headers()))


@router.get("", summary="All rules: what they brought, and what is planned")
async def read_overview(
    policy: InForce,
    store: Store,
    clock: Clock,
    principal: Marketer,
    since: Since = None,
    until: Until = None,
) -> HTMLResponse:
    now = await clock.now(None)
    shown = _shown(since, until, now)
    names = _names(policy, now)
    found = await asyncio.gather(*(store.results(name, shown.since, shown.until) for name in names))
    reports = {name: report(sums, {}) for name, sums in zip(names, found, strict=True)}
    waiting = await _waiting(store, names, now.date())
    return _page("overview.html", overview(shown, policy.at(micros(now)).rules.name, reports, waiting))


@router.get("/rules/{name}", summary="A rule: its funnel, refusals, variants and lift")
async def read_rule(
    name: str,
    policy: InForce,
    store: Store,
    clock: Clock,
    principal: Marketer,
    since: Since = None,
    until: Until = None,
) -> HTMLResponse:
    now = await clock.now(None)
    shown = _shown(since, until, now)
    found = await results_of(store, policy, name, shown.since, shown.until, now)
    rule = policy.rule(name, micros(now))
    description = RESERVED[name].capitalize() + "." if rule is None else rule.description
    goal = rule.goal.event if rule is not None and rule.goal is not None else None
    return _page("rule.html", rule_page(shown, name, description, goal, found))


def _shown(since: datetime | None, until: datetime | None, now: datetime) -> Shown:
    first, last = days_of(since, until, now)
    return Shown(first, last, now.date())


def _names(policy: Policy, now: datetime) -> list[str]:
    """The rules in force, in their order, then those of other versions, then what is sent by hand."""
    names: dict[str, None] = {}
    for rules in (policy.at(micros(now)).rules, *reversed(policy.every)):
        names |= dict.fromkeys(rule.name for rule in rules.rules)
    return [*names, *RESERVED]


async def _waiting(store: FollowupStore, names: list[str], today: date) -> dict[str, dict[date, int]]:
    """Of each rule, how many messages wait for which of the next days."""
    last = today + timedelta(days=CALENDAR_DAYS)
    found = await asyncio.gather(*(store.results(name, today, last) for name in names))
    return {name: _by_day(sums) for name, sums in zip(names, found, strict=True)}


def _by_day(sums: Mapping[Cell, Mapping[str, int]]) -> dict[date, int]:
    found: dict[date, int] = {}
    for cell, counts in sums.items():
        day = date.fromisoformat(cell.day)
        found[day] = found.get(day, 0) + funnel(counts).waiting
    return found
