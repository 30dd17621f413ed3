"""What the routes have in common."""

from typing import Annotated, cast

from fastapi import Depends, Path, Request

from services.loyalty import errors
from services.loyalty.domain.program.program import Program, Programs
from services.loyalty.settings import LoyaltySettings
from services.loyalty.store import LoyaltyStore, Member
from shared.domain import ErrorCode
from shared.http.auth import Principal, require
from shared.http.dependencies import Clock, Database
from shared.http.errors import Responses, responses
from shared.http.key_ring import KeyRing
from shared.http.pending import PendingAnswer
from shared.schemas.base import Id
from shared.schemas.times import micros


async def get_store(database: Database) -> LoyaltyStore:
    return LoyaltyStore(database)


async def get_programs(request: Request) -> Programs:
    return cast(Programs, request.app.state.programs)


AllVersions = Annotated[Programs, Depends(get_programs)]


async def get_program(programs: AllVersions, clock: Clock) -> Program:
    """The version in force now."""
    return programs.at(micros(await clock.now(None)))


async def get_key_ring(request: Request) -> KeyRing:
    return KeyRing(cast(LoyaltySettings, request.app.state.settings).key_ring)


Store = Annotated[LoyaltyStore, Depends(get_store)]
InForce = Annotated[Program, Depends(get_program)]
LinkKeys = Annotated[KeyRing, Depends(get_key_ring)]
"""What tokens in links are signed with."""
Reader = Annotated[Principal, Depends(require("customers:read"))]
Redeemer = Annotated[Principal, Depends(require("loyalty:redeem"))]
Admin = Annotated[Principal, Depends(require("admin"))]
Analyst = Annotated[Principal, Depends(require("metrics:read"))]
"""Sums over all members are figures like the KPIs; a dashboard's key is to have no more than those."""
CustomerId = Annotated[Id, Path(description="The customer's id.")]


def answers(*codes: ErrorCode) -> Responses:
    """OpenAPI: a command's refusals by status, and that it may be answered later."""
    later = {"model": PendingAnswer, "description": "Accepted; Location says where the answer will be."}
    return {**responses(errors.ERASED, *codes), 202: later}


async def known_member(store: LoyaltyStore, customer_id: str) -> Member:
    """A merged id's survivor. Raises 404 ``unknown_member``."""
    found = await store.member(customer_id)
    if found is None:
        raise errors.UNKNOWN_MEMBER(member=customer_id)
    return found
