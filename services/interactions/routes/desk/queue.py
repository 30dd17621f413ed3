"""My queue: what an agent has, what waits for somebody in their team, and whether they are at work."""

import asyncio
from dataclasses import replace
from typing import Annotated, Literal

from fastapi import Depends, Response

from services.interactions.desk.live import ANYTHING
from services.interactions.desk.page import Form, Posted, SignedIn, desk_router
from services.interactions.desk.views.queue import entries, last_said, waiting_first
from services.interactions.desk.views.team import queue as first_waiting
from services.interactions.desk.words import _
from services.interactions.domain.desk.policy import Desk as Rules
from services.interactions.models.agents import agent_view
from services.interactions.routes.dependencies import DeskRules, Policy, Store
from services.interactions.routes.desk.dependencies import DeskQueries
from services.interactions.routes.desk.steps import TakeSteps
from services.interactions.store import InteractionsStore, Queued
from shared.http.problems import TOLD, ProblemError, from_error
from shared.schemas.base import Frozen
from shared.schemas.times import micros

router = desk_router()

SHOWN, WAITING, LEFT = 50, 25, 10
"""Conversations that are shown of those with the agent, of those that wait, and of those for which no team
was asked: a page, beside which stands how many there are."""
WITH_CLOCKS = 30
"""Of those with the agent: so many show what is due."""
WITH_LINES = 15
"""And so many what was said last."""


class Parts:
    """What the page is made of."""

    def __init__(
        self, desk: SignedIn, store: Store, queries: DeskQueries, sla: Policy, rules: DeskRules
    ) -> None:
        self.desk, self._store, self._queries, self._sla, self._rules = desk, store, queries, sla, rules

    async def page(self, problem: ProblemError | None = None, form: Form | None = None) -> Response:
        """``problem``: what came of ``form``."""
        desk, store, sla, rules = self.desk, self._store, self._sla, self._rules
        desk.demand("customers:read")
        me = await store.agent(desk.agent)
        team = None if me is None else me.team
        mine, waiting, left = await asyncio.gather(
            store.conversations(
                status=None, team=None, agent=desk.agent, open_only=True, before=None, limit=SHOWN
            ),
            _waiting(store, rules, team),
            _left(store, team),
        )
        names, states = await asyncio.gather(
            store.customer_rows({row.customer_id for row in (*mine, *waiting.rows, *left.rows)}),
            store.customers({row.customer_id for row in mine[:WITH_CLOCKS]}),
        )
        said = await self._queries.said_at(last_said(mine[:WITH_LINES], states))
        called = next((one.name for one in rules.teams if one.id == team), None)
        return desk.render(
            "queue.html",
            title=desk.t(_("My queue")),
            here="queue",
            problem=problem,
            form=form,
            me=None if me is None else agent_view(me, micros(desk.now)),
            team=called or team,
            mine=entries(mine, names, states, said, sla, desk.now),
            waiting=waiting_first(entries(waiting.rows, names, {}, {}, sla, desk.now), rules),
            waiting_of=waiting,
            left=entries(left.rows, names, {}, {}, sla, desk.now),
            left_of=left,
            watch=(ANYTHING if team is None else f"team/{team}", *sorted(states)),
        )


MakePage = Annotated[Parts, Depends()]


@router.get("")
async def queue(parts: MakePage) -> Response:
    return await parts.page()


async def _waiting(store: InteractionsStore, rules: Rules, team: str | None) -> Queued:
    """Those who come first of a team, or of all for somebody who is in none; and how many wait."""
    if team is None:
        return await store.queued(nobodys=False, limit=WAITING)
    state = await store.team(team)
    if state is None:
        return Queued([], 0)
    first = first_waiting(rules, state, WAITING)
    rows = await store.conversation_rows((one.conversation_id, one.customer_id) for one in first)
    return Queued([*rows.values()], len(state.waiting))


async def _left(store: InteractionsStore, team: str | None) -> Queued:
    """Those for which no team was asked, and how many; whoever is in none sees them among all that wait."""
    return Queued([], 0) if team is None else await store.queued(nobodys=True, limit=LEFT)


class Shift(Frozen):
    """The field of the form that says whether one is at work."""

    shift: Literal["start", "break", "back", "end"]


@router.post("/shift")
async def change_shift(parts: MakePage, steps: TakeSteps, form: Posted) -> Response:
    """The agent begins or ends their shift, or a break in it; the page again, with what is wrong."""
    try:
        wish = form.into(Shift).shift
        # One form has several buttons: each asks for something else, so its key is its own.
        its = replace(form, fields={**form.fields, "key": f"{form.key}-{wish}"})
        said = await steps.shift(on_shift=wish != "end", on_break=wish == "break", form=its)
    except TOLD as error:
        return await parts.page(from_error(error), form)
    return parts.desk.go("", said)
