"""Agents: what they learn, and what they are thanked for."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi.responses import JSONResponse

from services.interactions.domain.growth.figures import PERIODS, begins
from services.interactions.domain.growth.learned import badges, skills, taken, together
from services.interactions.domain.growth.policy import Learning
from services.interactions.errors import OWN_ALONE, UNKNOWN_AGENT
from services.interactions.models.growth import (
    AgentFigures,
    FeedbackView,
    NewStory,
    NewTraining,
    PassedTraining,
    RecordView,
    StoryTaken,
    StoryView,
    TrainingTaken,
    badge_view,
    feedback_view,
    figures_view,
    skill_view,
    story_view,
    training_view,
)
from services.interactions.routes.complaints import answers
from services.interactions.routes.dependencies import (
    AgentId,
    AtDesk,
    DeskRules,
    Sealed,
    Store,
    is_own,
    last_shown,
)
from services.interactions.store import InteractionsStore
from shared.http.bodies import Told
from shared.http.commands import IdempotencyKey
from shared.http.dependencies import Clock, SendCommands
from shared.http.errors import responses
from shared.http.paging import DEFAULT_LIMIT, Cursor, Limit, Page, cut, page
from shared.schemas.base import Id
from shared.schemas.commands.growth import StoryTellRequested, TrainingBookRequested, TrainingPassRequested
from shared.schemas.times import micros

router = APIRouter(tags=["agents"])
"""The wall, and what is asked and told of one agent. No list of agents by how they do: on purpose."""


async def get_learning(desk: DeskRules) -> Learning:
    return desk.learning


Learns = Annotated[Learning, Depends(get_learning)]


@router.get("/agents/{agent_id}/record", summary="What an agent has learnt")
async def get_record(
    principal: AtDesk, store: Store, clock: Clock, learning: Learns, agent_id: AgentId
) -> RecordView:
    """Of one of whom nothing was heard it is empty. Skills with the time by which they must be refreshed."""
    learnt, now = together(await store.learnt(agent_id)), micros(await clock.now())
    agent = await store.agent(agent_id)
    levels = {} if agent is None else dict(agent.skills)
    return RecordView(
        agent_id=agent_id,
        skills=[skill_view(one) for one in skills(learning, learnt, levels, now)],
        trainings=[training_view(one) for one in taken(learning, learnt, now)],
        badges=[badge_view(one) for one in badges(learning, learnt, now)],
    )


@router.post(
    "/agents/{agent_id}/trainings/book",
    summary="An agent will learn something",
    status_code=201,
    responses=answers(TrainingTaken, 201) | responses(UNKNOWN_AGENT),
)
async def book(
    principal: AtDesk,
    store: Store,
    commands: SendCommands,
    agent_id: AgentId,
    body: Told[NewTraining],
    key: IdempotencyKey = None,
) -> JSONResponse:
    """Where ``team`` is given, the agent need not be known."""
    said = body.model_dump(exclude={"team"}, exclude_none=True) | {"agent_id": agent_id}
    team = body.team or await _team_of(store, agent_id)
    command = TrainingBookRequested.model_validate(said)
    return (await commands.submit(principal, "trainings.book", team, command, key)).response()


@router.post(
    "/agents/{agent_id}/trainings/pass",
    summary="An agent has learnt something",
    status_code=201,
    responses=answers(TrainingTaken, 201) | responses(UNKNOWN_AGENT),
)
async def passed(
    principal: AtDesk,
    store: Store,
    commands: SendCommands,
    seal: Sealed,
    agent_id: AgentId,
    body: Told[PassedTraining],
    key: IdempotencyKey = None,
) -> JSONResponse:
    """``feedback`` is sealed here: neither the topics nor the store hold it in words."""
    said = body.model_dump(exclude={"team"}, exclude_none=True) | {"agent_id": agent_id}
    if body.feedback is not None:
        said["feedback"] = seal.close(body.feedback, agent_id)
    team = body.team or await _team_of(store, agent_id)
    command = TrainingPassRequested.model_validate(said)
    return (await commands.submit(principal, "trainings.pass", team, command, key)).response()


@router.get(
    "/agents/{agent_id}/feedback",
    summary="What trainers say to an agent",
    response_model=Page[FeedbackView],
    responses=responses(OWN_ALONE),
)
async def list_feedback(
    principal: AtDesk,
    store: Store,
    seal: Sealed,
    agent_id: AgentId,
    cursor: Cursor = None,
    limit: Limit = DEFAULT_LIMIT,
) -> dict[str, Any]:
    """For the agent alone: who calls must be the agent by name, of a key or a token."""
    if not is_own(principal, agent_id):
        raise OWN_ALONE(agent=agent_id)
    rows = await store.feedback(agent_id, before=last_shown(cursor), limit=limit + 1)
    shown, following = cut(rows, limit, lambda row: (row.order,))
    return page([feedback_view(row, seal) for row in shown], following)


@router.get("/agents/{agent_id}/figures", summary="What an agent did")
async def get_figures(
    principal: AtDesk, store: Store, clock: Clock, desk: DeskRules, agent_id: AgentId
) -> AgentFigures:
    """For the agent, and for who has the scope ``metrics:read``: one at a time, since nobody is ranked."""
    if not is_own(principal, agent_id):
        principal.demand("metrics:read")
    now, zone = await clock.now(), desk.staffing.zone
    rows = await store.work(agent_id, since=begins(now, zone, max(PERIODS.values())))
    return figures_view(agent_id, rows, now, zone)


@router.get("/stories", summary="What went well", response_model=Page[StoryView])
async def list_stories(
    principal: AtDesk,
    store: Store,
    team: Annotated[Id | None, Query(description="The team whose wall it is.")] = None,
    agent_id: Id | None = None,
    cursor: Cursor = None,
    limit: Limit = DEFAULT_LIMIT,
) -> dict[str, Any]:
    """The wall: thanks of customers and colleagues, the latest first."""
    rows = await store.stories(team=team, agent_id=agent_id, before=last_shown(cursor), limit=limit + 1)
    shown, following = cut(rows, limit, lambda row: (row.order,))
    return page([story_view(row) for row in shown], following)


@router.post(
    "/stories",
    summary="Thank an agent",
    status_code=201,
    responses=answers(StoryTaken, 201) | responses(UNKNOWN_AGENT),
)
async def tell_story(
    principal: AtDesk, store: Store, commands: SendCommands, body: Told[NewStory], key: IdempotencyKey = None
) -> JSONResponse:
    said = body.model_dump(exclude={"team"}, exclude_none=True)
    team = body.team or await _team_of(store, body.agent_id)
    command = StoryTellRequested.model_validate(said)
    return (await commands.submit(principal, "stories", team, command, key)).response()


async def _team_of(store: InteractionsStore, agent_id: str) -> str:
    """The team that an agent is in. Raises 404 ``unknown_agent``."""
    row = await store.agent(agent_id)
    if row is None:
        raise UNKNOWN_AGENT(agent=agent_id)
    return row.team
