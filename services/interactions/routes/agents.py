"""Agents: who they are, how much they carry. What is told of them goes to their team."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse

from services.interactions.domain.routing.rows import AgentRow
from services.interactions.errors import UNKNOWN_AGENT, UNKNOWN_TEAM
from services.interactions.models.agents import (
    AgentBody,
    AgentDetail,
    AgentTold,
    AgentView,
    agent_detail,
    agent_view,
)
from services.interactions.routes.complaints import answers
from services.interactions.routes.dependencies import AgentId, AtDesk, DeskRules, Store, last_shown
from shared.http.bodies import Told
from shared.http.commands import IdempotencyKey
from shared.http.dependencies import Clock, SendCommands
from shared.http.errors import responses
from shared.http.paging import DEFAULT_LIMIT, Cursor, Limit, Page, cut, page
from shared.schemas.base import Id
from shared.schemas.commands.teams import AgentChangeRequested
from shared.schemas.times import micros

router = APIRouter(tags=["agents"])

MOST_HELD = 200


@router.put("/agents/{agent_id}", summary="Tell", responses=answers(AgentTold) | responses(UNKNOWN_TEAM))
async def put_agent(
    principal: AtDesk,
    commands: SendCommands,
    store: Store,
    desk: DeskRules,
    agent_id: AgentId,
    body: Told[AgentBody],
    key: IdempotencyKey = None,
) -> JSONResponse:
    """The agent as they are from now on: whole, not what changed. In another team they leave the one that
    they were in, and what they carry goes with them. Who is in a team that the desk's file has no more may go
    home from it."""
    if not desk.is_team(body.team):
        row = await store.agent(agent_id)
        if row is None or row.team != body.team:
            raise UNKNOWN_TEAM(team=body.team)
    said = body.model_dump(exclude={"team"})
    command = AgentChangeRequested.model_validate(said | {"agent_id": agent_id})
    return (await commands.submit(principal, "agents", body.team, command, key)).response()


@router.get("/agents", summary="Find", response_model=Page[AgentView], responses=responses(UNKNOWN_TEAM))
async def list_agents(
    principal: AtDesk,
    store: Store,
    clock: Clock,
    desk: DeskRules,
    team: Annotated[Id | None, Query(description="The team that they are in.")] = None,
    cursor: Cursor = None,
    limit: Limit = DEFAULT_LIMIT,
) -> dict[str, Any]:
    """By their id."""
    rows = await store.agents(team=team, after=last_shown(cursor), limit=limit + 1)
    if team is not None and cursor is None and not rows and team not in desk.by_id:
        raise UNKNOWN_TEAM(team=team)
    shown, following = cut(rows, limit, lambda row: (row.agent_id,))
    now = micros(await clock.now())
    return page([agent_view(row, now) for row in shown], following)


@router.get("/agents/{agent_id}", summary="One, with what they carry", responses=responses(UNKNOWN_AGENT))
async def get_agent(principal: AtDesk, store: Store, clock: Clock, agent_id: AgentId) -> AgentDetail:
    row: AgentRow | None = await store.agent(agent_id)
    if row is None:
        raise UNKNOWN_AGENT(agent=agent_id)
    held = await store.conversations(
        status=None, team=None, agent=agent_id, before=None, limit=MOST_HELD, open_only=True
    )
    return agent_detail(row, held, micros(await clock.now()))
