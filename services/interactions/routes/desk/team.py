"""A lead's view of a team, and its wall."""

import asyncio
from typing import Annotated, cast

from fastapi import Query, Response

from services.interactions.desk.page import Desk, Form, Posted, SignedIn, desk_router
from services.interactions.desk.reading import weekdays
from services.interactions.desk.site import ROOT
from services.interactions.desk.views.board import card
from services.interactions.desk.views.queue import entries
from services.interactions.desk.views.team import lacking, queue, today, week
from services.interactions.desk.words import _
from services.interactions.domain.desk.policy import Desk as Rules
from services.interactions.domain.growth.lead import MOST
from services.interactions.models.growth import NewStory, story_view
from services.interactions.remembered import Remembered
from services.interactions.routes.dependencies import DeskRules, Policy, Store, last_shown
from services.interactions.routes.desk.dependencies import DeskQueries
from services.interactions.routes.growth import tell_story
from services.interactions.routes.teams import seen
from services.interactions.store import InteractionsStore
from shared.http.dependencies import Clock, SendCommands
from shared.http.paging import cut
from shared.http.problems import TOLD, ProblemError, from_error
from shared.schemas.base import Id
from shared.schemas.teams import team_state
from shared.schemas.times import SECOND, micros

router = desk_router()

WAITING, PEOPLE, LATE, STORIES = 50, 60, 100, 30
"""What is shown of the queue, and of the agents; complaints that are counted; stories of a page."""
LEFT = 10
"""Conversations for which no team was asked: those that are shown."""
MOST_LATE = 5
"""Late complaints that are shown."""
COLLEAGUES = 500
OTHERS = 20
"""Teams that the file does not list, of which there are tabs."""

Chosen = Annotated[Id | None, Query()]


async def team_of(desk: Desk, store: InteractionsStore, rules: Rules, chosen: str | None) -> str:
    """The team that was chosen, else the reader's own, else the one that is asked where no other is."""
    if chosen is not None:
        return chosen
    agent = await store.agent(desk.agent)
    return rules.default.id if agent is None else agent.team


@router.get("/team")
async def lead(
    desk: SignedIn,
    store: Store,
    queries: DeskQueries,
    clock: Clock,
    rules: DeskRules,
    sla: Policy,
    team: Chosen = None,
) -> Response:
    """What waits, who has how much, what is late, and the people that the hours call for."""
    desk.demand("customers:read")
    team = await team_of(desk, store, rules, team)
    (state, view), left, late = await asyncio.gather(
        seen(store, rules, team, await clock.now(team)),
        store.queued(nobodys=True, limit=LEFT),
        queries.board(until=micros(desk.now), limit=LATE),
    )
    waits = queue(rules, state, WAITING)
    shown = late[:MOST_LATE]
    ids = {one.customer_id for one in waits}
    ids |= {one.customer_id for one in shown} | {one.customer_id for one in left.rows}
    rows = await store.customer_rows(ids)
    names = {id: row.name or id for id, row in rows.items()}
    local = desk.now.astimezone(rules.staffing.zone)
    return desk.render(
        "team.html",
        title=view.name or team,
        here="team",
        teams=_teams(desk, rules, team),
        team=team,
        view=view,
        gone=not rules.is_team(team),
        lacking=lacking(view.stuck),
        most_stuck=MOST,
        overflow=_overflow(rules, team),
        stuck={(one.customer_id, one.conversation_id): one for one in view.stuck},
        waits=waits,
        left=entries(left.rows, rows, {}, {}, sla, desk.now),
        left_of=left,
        late=[card(row, desk.now) for row in shown],
        late_count=len(late),
        late_more=len(late) == LATE,
        names={id: names.get(id, id) for id in ids},
        people=sorted(view.agents, key=lambda one: one.presence == "off")[:PEOPLE],
        at_work=sum(one.presence == "at_work" for one in view.agents),
        calm=rules.calm,
        day=today(view.staffing.hours, local),
        week=week(view.staffing.hours),
        weekdays=weekdays(desk.t),
        watch=(team_state(team),),
    )


@router.get("/wall")
async def wall(
    desk: SignedIn,
    store: Store,
    rules: DeskRules,
    team: Chosen = None,
    cursor: Annotated[str | None, Query(max_length=1024)] = None,
) -> Response:
    """Thanks, of customers and colleagues; of all teams, where none is chosen."""
    return await _wall(desk, store, rules, team, cursor)


async def _wall(
    desk: Desk,
    store: InteractionsStore,
    rules: Rules,
    team: str | None = None,
    cursor: str | None = None,
    problem: ProblemError | None = None,
    form: Form | None = None,
) -> Response:
    """``problem``: what came of ``form``."""
    desk.demand("customers:read")
    rows, agents = await asyncio.gather(
        store.stories(team=team, agent_id=None, before=last_shown(cursor), limit=STORIES + 1),
        store.agents(team=None, after=None, limit=COLLEAGUES),
    )
    shown, following = cut(rows, STORIES, lambda row: (row.order,))
    people = await store.customer_rows({row.customer_id for row in shown if row.customer_id is not None})
    chosen = "" if team is None else f"&team={team}"
    return desk.render(
        "wall.html",
        title=desk.t(_("The wall")),
        here="wall",
        teams=_teams(desk, rules, team),
        team=team,
        stories=[story_view(row) for row in shown],
        agents={row.agent_id: row.name for row in agents},
        names={id: row.name or id for id, row in people.items()},
        colleagues=[(row.agent_id, row.name) for row in agents if row.agent_id != desk.agent],
        following=following and f"{ROOT}/wall?cursor={following}{chosen}",
        problem=problem,
        form=form,
    )


@router.post("/wall")
async def thank(
    desk: SignedIn, form: Posted, store: Store, rules: DeskRules, commands: SendCommands
) -> Response:
    """Thank a colleague; the wall again, with what is wrong."""
    principal = desk.demand("desk")
    try:
        body = form.into(NewStory, told_by=desk.agent)
        answer = await tell_story(principal, store, commands, body, form.key)
    except TOLD as error:
        return await _wall(desk, store, rules, problem=from_error(error), form=form)
    return desk.go("/wall", "thanked" if answer.status_code == 201 else "pending")


def _overflow(rules: Rules, team: str) -> tuple[str, float] | None:
    """Where conversations go on to that wait in vain, as it is called, and after how many seconds."""
    found = rules.overflow_of(team)
    if found is None:
        return None
    listed = rules.by_id.get(found[0])
    return (listed and listed.name) or found[0], found[1] / SECOND


def _teams(desk: Desk, rules: Rules, shown: str | None) -> list[tuple[str, str]]:
    """Ids and names: those that are listed, others that somebody is in, and the one that is shown."""
    found = {one.id: one.name or one.id for one in rules.teams}
    there = cast(Remembered, desk.request.app.state.remembered).teams
    others = [team for team in there if team not in found][:OTHERS]
    for team in (*others, shown):
        if team is not None:
            found.setdefault(team, team)
    return [*found.items()]
