"""Agents: what they learn, and what they are thanked for."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse

from services.interactions.domain.growth.figures import PERIODS, begins
from services.interactions.domain.growth.learned import badges, skills, taken, together
from services.interactions.domain.growth.policy import Learning
from services.interactions.errors import OWN_ALONE
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
    figures_view,
    skill_view,
    story_view,
    training_view,
)
from services.interactions.routes.complaints import answers
from services.interactions.routes.dependencies import AgentId, AtDesk, DeskRules, Store, last_shown
from shared.http.commands import IdempotencyKey
from shared.http.dependencies import Clock, SendCommands
from shared.http.errors import responses
from shared.http.paging import DEFAULT_LIMIT, Cursor, Limit, Page, cut, page
from shared.http.sealing import Seal, UnreadableError
from shared.schemas.base import Id
from shared.schemas.commands.teams import StoryTellRequested, TrainingBookRequested, TrainingPassRequested
from shared.schemas.times import micros, moment

router = APIRouter(tags=["agents"])
"""The wall, and what is asked and told of one agent. No list of agents by how they do: on purpose."""


def get_seal(request: Request) -> Seal:
    return Seal(request.app.state.settings.secret_key.get_secret_value(), "feedback")


def get_learning(desk: DeskRules) -> Learning:
    return desk.learning


Sealed = Annotated[Seal, Depends(get_seal)]
Learns = Annotated[Learning, Depends(get_learning)]


@router.get("/agents/{agent_id}/record", summary="What an agent has learnt")
async def get_record(
    principal: AtDesk, store: Store, clock: Clock, learning: Learns, agent_id: AgentId
) -> RecordView:
    """Of one of whom nothing was heard it is empty. Skills with the time by which they must be refreshed."""
    learnt, now = together(await store.learnt(agent_id)), micros(await clock.now())
    return RecordView(
        agent_id=agent_id,
        skills=[skill_view(one) for one in skills(learning, learnt, {}, now)],
        trainings=[training_view(one) for one in taken(learning, learnt, now)],
        badges=[badge_view(one) for one in badges(learning, learnt, now)],
    )


@router.post(
    "/agents/{agent_id}/trainings/book",
    summary="An agent will learn something",
    status_code=201,
    responses=answers(TrainingTaken, 201),
)
async def book(
    principal: AtDesk,
    commands: SendCommands,
    agent_id: AgentId,
    body: NewTraining,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """The agent need not be known."""
    said = body.model_dump(exclude={"team"}, exclude_none=True) | {"agent_id": agent_id}
    command = TrainingBookRequested.model_validate(said)
    return (await commands.submit(principal, "trainings.book", body.team, command, key)).response()


@router.post(
    "/agents/{agent_id}/trainings/pass",
    summary="An agent has learnt something",
    status_code=201,
    responses=answers(TrainingTaken, 201),
)
async def passed(
    principal: AtDesk,
    commands: SendCommands,
    seal: Sealed,
    agent_id: AgentId,
    body: PassedTraining,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """``feedback`` is sealed here: neither the topics nor the store hold it in words."""
    said = body.model_dump(exclude={"team"}, exclude_none=True) | {"agent_id": agent_id}
    if body.feedback is not None:
        said["feedback"] = seal.close(body.feedback, agent_id)
    command = TrainingPassRequested.model_validate(said)
    return (await commands.submit(principal, "trainings.pass", body.team, command, key)).response()


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
    if principal.name != agent_id:
        raise OWN_ALONE(agent=agent_id)
    rows = await store.feedback(agent_id, before=last_shown(cursor), limit=limit + 1)
    shown, following = cut(rows, limit, lambda row: (row.order,))
    opened = [
        FeedbackView(training=row.training, at=moment(row.at), text=_opened(seal, row.sealed, agent_id))
        for row in shown
    ]
    return page(opened, following)


@router.get("/agents/{agent_id}/figures", summary="What an agent did")
async def get_figures(
    principal: AtDesk, store: Store, clock: Clock, desk: DeskRules, agent_id: AgentId
) -> AgentFigures:
    """For the agent, and for who has the scope ``metrics:read``: one at a time, since nobody is ranked."""
    if principal.name != agent_id:
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


@router.post("/stories", summary="Thank an agent", status_code=201, responses=answers(StoryTaken, 201))
async def tell_story(
    principal: AtDesk, commands: SendCommands, body: NewStory, key: IdempotencyKey = None
) -> JSONResponse:
    said = body.model_dump(exclude={"team"}, exclude_none=True)
    command = StoryTellRequested.model_validate(said)
    return (await commands.submit(principal, "stories", body.team, command, key)).response()


def _opened(seal: Seal, sealed: str, agent_id: str) -> str | None:
    try:
        return seal.open(sealed, agent_id)
    except UnreadableError:  # by a key that is no more
        return None
