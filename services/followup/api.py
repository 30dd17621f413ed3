"""The followup API: reads come from the store; every write is a command that the worker decides."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Path, Query, Request
from fastapi.responses import JSONResponse
from pymongo.asynchronous.database import AsyncDatabase

from services.followup.config import policy_or_exit
from services.followup.domain.messages.templates import TemplateFault
from services.followup.domain.policy import Policy
from services.followup.domain.preview import preview
from services.followup.domain.rules.rules import Rules
from services.followup.models.outreach import (
    OutreachAnswer,
    OutreachBody,
    OutreachPlaced,
    PreviewAnswer,
    PreviewBody,
    Status,
)
from services.followup.routes import pages
from services.followup.settings import FollowupSettings
from services.followup.store import FollowupStore
from shared.http.app import create_api, run_api
from shared.http.auth import Principal, require
from shared.http.clock import ApiClock
from shared.http.commands import Commands, IdempotencyKey
from shared.http.dependencies import get_clock, get_commands, get_database
from shared.http.paging import DEFAULT_LIMIT, Cursor, Limit, Page, cut, decode_cursor, page
from shared.http.problems import Problem, not_found
from shared.runtime.settings import load_settings
from shared.schemas.base import Id
from shared.schemas.commands import OutreachRequested

router = APIRouter(tags=["followup"])


def get_store(database: Annotated[AsyncDatabase[dict[str, Any]], Depends(get_database)]) -> FollowupStore:
    return FollowupStore(database)


def get_policy(request: Request) -> Policy:
    policy: Policy = request.app.state.policy
    return policy


Store = Annotated[FollowupStore, Depends(get_store)]
InForce = Annotated[Policy, Depends(get_policy)]
Reader = Annotated[Principal, Depends(require("customers:read"))]
Writer = Annotated[Principal, Depends(require("outreach:write"))]


@router.get("/rules", summary="The outreach rules in force", response_model=Rules)
async def read_rules(policy: InForce, caller: Reader) -> Rules:
    return policy.rules


@router.get(
    "/customers/{customer_id}/outreach",
    summary="A customer's outreach, the latest due first",
    response_model=Page[OutreachAnswer],
    response_model_exclude_none=False,
)
async def read_outreach(
    customer_id: Annotated[Id, Path(description="The customer's id.")],
    store: Store,
    caller: Reader,
    status: Annotated[Status | None, Query(description="Only these.")] = None,
    cursor: Cursor = None,
    limit: Limit = DEFAULT_LIMIT,
) -> dict[str, Any]:
    before: tuple[datetime, str] | None = None
    if cursor is not None:
        due_at, outreach_id = decode_cursor(cursor, datetime, str)
        before = (due_at, outreach_id)
    rows = await store.outreach(customer_id, status=status, before=before, limit=limit + 1)
    shown, following = cut(rows, limit, lambda row: (row["due_at"], row["outreach_id"]))
    return page(shown, following)


@router.post(
    "/outreach",
    summary="Send a customer a message by hand",
    status_code=201,
    response_model=OutreachPlaced,
    responses={409: {"description": "It may not go: the code is the reason, such as no_consent"}},
)
async def send(
    body: OutreachBody,
    caller: Writer,
    commands: Annotated[Commands, Depends(get_commands)],
    key: IdempotencyKey = None,
) -> JSONResponse:
    asked = OutreachRequested(
        template=body.template, channel=body.channel, at=body.at, variables=body.variables
    )
    answer = await commands.submit(caller, "outreach", body.customer_id, asked, key)
    return answer.response()


@router.post(
    "/rules/{name}/preview",
    summary="What a rule would send a customer, when, or why not",
    response_model=PreviewAnswer,
)
async def read_preview(
    name: str,
    body: PreviewBody,
    policy: InForce,
    store: Store,
    clock: Annotated[ApiClock, Depends(get_clock)],
    caller: Writer,
) -> dict[str, Any]:
    rule = policy.rules.rule(name)
    if rule is None:
        raise not_found("rule", name)
    customer = await store.customer(body.customer_id)
    if customer is None:
        raise not_found("customer", body.customer_id)
    try:
        return preview(customer, policy, rule, await clock.now(body.customer_id))
    except TemplateFault as fault:
        raise Problem(409, "template", str(fault)) from None


def create_app(settings: FollowupSettings) -> FastAPI:
    """The app. Ends the process with a sentence if the rules are bad."""
    policy = policy_or_exit(settings)
    app = create_api(settings, "followup", "Rapport followup", [router, pages.router])
    app.state.policy = policy
    return app


def main() -> None:
    """Serve until a signal stops it."""
    settings = load_settings(FollowupSettings)
    run_api(create_app(settings), settings)


if __name__ == "__main__":
    main()
