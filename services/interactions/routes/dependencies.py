"""What interactions' routes are given, beside what all routes are."""

from collections.abc import Sequence
from typing import Annotated, cast

from fastapi import Depends, Path, Request

from services.interactions.desk.session import agent_of
from services.interactions.domain.desk.policy import Desk
from services.interactions.domain.sla.policy import Sla
from services.interactions.duplicate_store import DuplicateStore
from services.interactions.erasure_store import ErasedIds
from services.interactions.errors import INVALID_CURSOR
from services.interactions.remembered import Remembered
from services.interactions.resolving import Resolver
from services.interactions.store import InteractionsStore
from shared.http.auth import Principal, require
from shared.http.dependencies import Database
from shared.http.paging import decode_cursor
from shared.http.sealing import Seal
from shared.schemas.base import ID_PATTERN


async def get_remembered(request: Request) -> Remembered:
    return cast(Remembered, request.app.state.remembered)


Memory = Annotated[Remembered, Depends(get_remembered)]
"""What this process remembers of what it read."""


async def get_store(database: Database, remembered: Memory) -> InteractionsStore:
    return InteractionsStore(database, remembered)


async def get_resolver(request: Request) -> Resolver:
    """The process's own: made when it is first asked for, as it remembers whom it found."""
    state = request.app.state
    if not hasattr(state, "resolver"):
        state.resolver = Resolver(
            state.settings.identity,
            state.database,
            state.publisher,
            state.clock,
            await get_erased_ids(request),
            timeout=state.settings.command_timeout,
        )
    return cast(Resolver, state.resolver)


async def get_erased_ids(request: Request) -> ErasedIds:
    """The process's own, as it remembers that the store is away."""
    state = request.app.state
    if not hasattr(state, "erased_ids"):
        state.erased_ids = ErasedIds(state.database, state.settings.erased_by)
    return cast(ErasedIds, state.erased_ids)


async def get_duplicates(database: Database) -> DuplicateStore:
    return DuplicateStore(database)


async def get_sla(request: Request) -> Sla:
    return cast(Sla, request.app.state.sla)


async def get_desk(request: Request) -> Desk:
    return cast(Desk, request.app.state.desk)


async def get_seal(request: Request) -> Seal:
    return Seal(request.app.state.settings.key_ring, "feedback")


def is_own(principal: Principal, agent_id: str) -> bool:
    """Whether the agent calls: by a key of their name, or as their provider calls them. Of a session that is
    not enough to say, as whoever signs in by a key may say whose work they do."""
    return agent_of(principal.name) == agent_id


Resolving = Annotated[Resolver, Depends(get_resolver)]
"""Finds whose an alias is."""
Duplicates = Annotated[DuplicateStore, Depends(get_duplicates)]
Store = Annotated[InteractionsStore, Depends(get_store)]
Policy = Annotated[Sla, Depends(get_sla)]
"""The SLA policy."""
DeskRules = Annotated[Desk, Depends(get_desk)]
"""The desk's teams and rules."""
Sealed = Annotated[Seal, Depends(get_seal)]
"""What trainers say to agents is sealed with it."""
Reader = Annotated[Principal, Depends(require("customers:read"))]
Writer = Annotated[Principal, Depends(require("complaints:write"))]
Approver = Annotated[Principal, Depends(require("complaints:approve"))]
AtDesk = Annotated[Principal, Depends(require("desk"))]
"""Who works at the desk: agents and their leads."""
Admin = Annotated[Principal, Depends(require("admin"))]
"""Who may say who is who."""
Source = Annotated[Principal, Depends(require("events:write"))]
"""Whoever tells what happened."""
CustomerId = Annotated[str, Path(pattern=ID_PATTERN)]
ConversationId = Annotated[str, Path(pattern=ID_PATTERN)]
ComplaintId = Annotated[str, Path(pattern=ID_PATTERN)]
TaskId = Annotated[str, Path(pattern=ID_PATTERN)]
AgentId = Annotated[str, Path(pattern=ID_PATTERN)]
TeamId = Annotated[str, Path(pattern=ID_PATTERN)]


def last_shown(cursor: str | None) -> str | None:
    """The sort key in a cursor. Raises 422 ``invalid_cursor``."""
    if cursor is None:
        return None
    place: str = decode_cursor(cursor, str)[0]
    return place


def of_these(place: str | None, ids: Sequence[str]) -> str | None:
    """A place in the timeline of a customer of these ids. Raises 422 ``invalid_cursor`` for one in
    another's."""
    if place is not None and place.partition(" ")[0] not in ids:
        raise INVALID_CURSOR()
    return place


def full_type(type: str) -> str:
    """An event type as it may be written short: ``purchase.made``."""
    return type if type.startswith("rapport.") else f"rapport.{type}.v1"
