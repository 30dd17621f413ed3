"""The program: its versions, its rewards, and what its points may cost."""

from typing import Annotated

from fastapi import APIRouter, Query

from services.loyalty.domain.program.program import Program
from services.loyalty.domain.reports.liability import liability
from services.loyalty.domain.rows import POINTS_KEY
from services.loyalty.models.program import (
    LiabilityAnswer,
    RewardAnswer,
    VersionAnswer,
    liability_answer,
    reward_answer,
    version_answer,
)
from services.loyalty.routes.dependencies import AllVersions, Analyst, InForce, Reader, Store
from shared.http.dependencies import Clock
from shared.http.paging import Page
from shared.schemas.base import Time
from shared.schemas.times import micros

router = APIRouter(tags=["program"])


@router.get("/program", summary="The program in force")
async def read_program(
    programs: AllVersions,
    clock: Clock,
    principal: Reader,
    at: Annotated[Time | None, Query(description="In force at this instant; without it, now.")] = None,
) -> Program:
    """The version in force at an instant; before the first, the first."""
    return programs.at(micros(at if at is not None else await clock.now(None)))


@router.get("/program/versions", summary="All versions, newest first")
async def read_versions(programs: AllVersions, principal: Reader) -> Page[VersionAnswer]:
    return Page[VersionAnswer](items=[version_answer(version) for version in reversed(programs.versions)])


@router.get("/program/liability", summary="What points outstanding may cost")
async def read_liability(principal: Analyst, store: Store, program: InForce) -> LiabilityAnswer:
    """Points outstanding by the month in which they expire, their value, and the cost to expect once
    breakage is taken off (IFRS 15, B44 to B47). The breakage rate is expired / (expired + redeemed -
    restored) of all time, or, before 1,000 points were so settled, the program's assumption. A month that
    is over stands here until the timers of its lots have fired. Scope: `metrics:read`."""
    totals = await store.totals()
    return liability_answer(liability(await store.liability(), totals.get(POINTS_KEY, {}), program), program)


@router.get("/rewards", summary="What points buy")
async def read_rewards(principal: Reader, program: InForce, store: Store) -> Page[RewardAnswer]:
    """Every reward of the version in force, in its order, with what is left of a stock."""
    limited = [reward.counter for reward in program.rewards if reward.stock is not None]
    used = await store.used(limited) if limited else {}
    return Page[RewardAnswer](items=[reward_answer(r, used.get(r.counter, 0)) for r in program.rewards])
