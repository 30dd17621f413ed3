"""A team as its lead sees it: what waits, who has how much, and the people that each hour calls for."""

import asyncio
from datetime import datetime, timedelta

from fastapi import APIRouter

from services.interactions.domain.desk.policy import Desk
from services.interactions.domain.growth.lead import lead
from services.interactions.domain.routing.state import Team
from services.interactions.errors import UNKNOWN_TEAM
from services.interactions.models.teams import TeamView, team_view
from services.interactions.routes.dependencies import AtDesk, DeskRules, Store, TeamId
from services.interactions.store import InteractionsStore
from shared.http.dependencies import Clock
from shared.http.errors import responses
from shared.schemas.times import micros

router = APIRouter(tags=["agents"])


@router.get("/teams/{team}", summary="A team's lead's view", responses=responses(UNKNOWN_TEAM))
async def get_team(principal: AtDesk, store: Store, clock: Clock, desk: DeskRules, team: TeamId) -> TeamView:
    """Of a team of which nothing was heard it is empty, unless the desk's file has ``only_these_teams``."""
    _, view = await seen(store, desk, team, await clock.now(team))
    return view


async def seen(store: InteractionsStore, desk: Desk, team: str, now: datetime) -> tuple[Team, TeamView]:
    """A team, read once, and what its lead sees; of one that the file has no more as long as somebody is in
    it, or waits there. Raises 404 ``unknown_team``."""
    since = micros(now - timedelta(weeks=desk.staffing.weeks))
    known, arrivals = await asyncio.gather(store.team(team), store.arrivals(team, since=since))
    found = known or Team(team_id=team)
    if not desk.is_team(team) and not found.waiting and all(one.left for one in found.agents.values()):
        raise UNKNOWN_TEAM(team=team)
    return found, team_view(desk, team, lead(desk, found, micros(now)), arrivals, now)
