"""What the routes have in common."""

from typing import Annotated, Any

from fastapi import Depends, Path, Request
from fastapi.responses import JSONResponse
from pymongo.asynchronous.database import AsyncDatabase

from services.loyalty.domain.program.program import Program, Programs
from services.loyalty.domain.state import MemberState
from services.loyalty.models.commands import PendingAnswer
from services.loyalty.store import LoyaltyStore
from shared.http.auth import Principal, require
from shared.http.clock import ApiClock
from shared.http.commands import Commands
from shared.http.dependencies import get_clock, get_commands, get_database
from shared.http.problems import Problem
from shared.schemas.base import Data, Id
from shared.schemas.times import micros


def get_store(database: Annotated[AsyncDatabase[dict[str, Any]], Depends(get_database)]) -> LoyaltyStore:
    return LoyaltyStore(database)


def get_programs(request: Request) -> Programs:
    programs: Programs = request.app.state.programs
    return programs


async def get_program(
    programs: Annotated[Programs, Depends(get_programs)],
    clock: Annotated[ApiClock, Depends(get_clock)],
) -> Program:
    """The version in force now."""
    return programs.at(micros(await clock.now(None)))


Store = Annotated[LoyaltyStore, Depends(get_store)]
AllVersions = Annotated[Programs, Depends(get_programs)]
InForce = Annotated[Program, Depends(get_program)]
Sends = Annotated[Commands, Depends(get_commands)]
Clock = Annotated[ApiClock, Depends(get_clock)]
Reader = Annotated[Principal, Depends(require("customers:read"))]
Redeemer = Annotated[Principal, Depends(require("loyalty:redeem"))]
Admin = Annotated[Principal, Depends(require("admin"))]
Accountant = Annotated[Principal, Depends(require("metrics:read"))]
"""Sums over all members are figures like the KPIs; a dashboard's key is to have no more than those."""
CustomerId = Annotated[Id, Path(description="The customer's id.")]

UNKNOWN_MEMBER: dict[int | str, dict[str, Any]] = {404: {"description": "unknown_member"}}
"""OpenAPI: what every read of a member may answer."""


def answers(refusals: dict[int, str]) -> dict[int | str, dict[str, Any]]:
    """OpenAPI: a command's refusals by status, and that it may be answered later."""
    later = {"model": PendingAnswer, "description": "Accepted; Location says where the answer will be."}
    described: dict[int | str, dict[str, Any]] = {s: {"description": codes} for s, codes in refusals.items()}
    return {**described, 202: later}


async def member(store: LoyaltyStore, customer_id: str) -> MemberState:
    """Raises 404 ``unknown_member``."""
    state = await store.member(customer_id)
    if state is None:
        raise Problem(404, "unknown_member", f"{customer_id} is not a member.")
    return state


async def ask(
    commands: Commands, caller: Principal, route: str, customer_id: str, asked: Data, key: str | None
) -> JSONResponse:
    """Send a command and answer what its worker says. Raises ``Problem`` as it refuses."""
    answer = await commands.submit(caller, route, customer_id, asked, key)
    return answer.response()
