"""What followup's routes are given, beside what all services' routes are."""

from dataclasses import replace
from typing import Annotated, cast

from fastapi import Depends, Request

from services.followup.domain.policy import Policy
from services.followup.pages import Page, page_of
from services.followup.settings import FollowupSettings
from services.followup.store import FollowupStore
from shared.http.auth import Principal, require
from shared.http.dependencies import Clock, Database
from shared.http.key_ring import KeyRing
from shared.schemas.times import micros


async def get_store(request: Request, database: Database) -> FollowupStore:
    return FollowupStore(database, cast(FollowupSettings, request.app.state.settings).erased_by)


async def get_policy(request: Request) -> Policy:
    return cast(Policy, request.app.state.policy)


async def get_key_ring(request: Request) -> KeyRing:
    return KeyRing(cast(FollowupSettings, request.app.state.settings).key_ring)


async def get_page(request: Request, clock: Clock) -> Page:
    page = page_of(request)
    return replace(page, policy=page.policy.at(micros(await clock.now(None))))


Store = Annotated[FollowupStore, Depends(get_store)]
InForce = Annotated[Policy, Depends(get_policy)]
"""The rules, templates and channels in force."""
LinkKeys = Annotated[KeyRing, Depends(get_key_ring)]
"""What tokens in links are signed with."""
ShownPage = Annotated[Page, Depends(get_page)]
"""What a page answers with, in the reader's language."""
HOLDER = Principal("link-holder")
"""Whoever has a link."""
Reader = Annotated[Principal, Depends(require("customers:read"))]
Analyst = Annotated[Principal, Depends(require("metrics:read"))]
"""Of what is counted: it says nothing of any one customer."""
Writer = Annotated[Principal, Depends(require("outreach:write"))]
