"""An agent's own page: whether they are at work, their figures, what they learn, their thanks, and what their
team has to do."""

import asyncio
import uuid
from collections.abc import Mapping
from typing import Annotated, Literal, TypeAlias

from fastapi import Depends, Path, Query, Response

from services.interactions.desk.page import Form, Posted, SignedIn, desk_router
from services.interactions.domain.routing.rows import AgentRow
from services.interactions.models.agents import agent_view
from services.interactions.models.growth import feedback_view, story_view
from services.interactions.models.tasks import Finished, task_view
from services.interactions.routes.dependencies import DeskRules, Sealed, Store, is_own
from services.interactions.routes.desk.steps import TakeSteps
from services.interactions.routes.growth import get_figures, get_record
from services.interactions.routes.tasks import finish_task
from shared.http.dependencies import Clock, SendCommands
from shared.http.problems import TOLD, ProblemError, from_error
from shared.schemas.base import ID_PATTERN, Frozen, Id
from shared.schemas.times import micros

router = desk_router()

STORIES, FEEDBACK, TASKS = 5, 5, 10
Working: TypeAlias = Literal["work", "break", "off"]
WORK: Mapping[Working, tuple[bool, bool]] = {
    "work": (True, False),
    "break": (True, True),
    "off": (False, False),
}
"""What one says of oneself -> on shift, on a break."""


class Work(Frozen):
    """The field of the form that says so."""

    state: Working


class Parts:
    """What the page is made of."""

    def __init__(self, desk: SignedIn, store: Store, clock: Clock, rules: DeskRules, seal: Sealed) -> None:
        self.desk, self._store, self._clock, self._rules, self._seal = desk, store, clock, rules, seal

    async def page(self, problem: ProblemError | None = None, form: Form | None = None) -> Response:
        """For the agent alone; nobody is compared with anybody. ``problem``: what came of ``form``."""
        desk, store, clock = self.desk, self._store, self._clock
        rules, seal = self._rules, self._seal
        principal = desk.demand("desk")
        own = is_own(principal, desk.agent)
        row, record, stories, feedback = await asyncio.gather(
            store.agent(desk.agent),
            get_record(principal, store, clock, rules.learning, desk.agent),
            store.stories(team=None, agent_id=desk.agent, before=None, limit=STORIES),
            store.feedback(desk.agent, before=None, limit=FEEDBACK if own else 1),
        )
        figures = None
        if own or desk.may("metrics:read"):
            figures = await get_figures(principal, store, clock, rules, desk.agent)
        now = micros(desk.now)
        tasks = []
        if row is not None and desk.may("customers:read"):
            tasks = await store.tasks(
                team=row.team, status="open", kind=None, customers=None, overdue=None, now=now, last=None,
                limit=TASKS,
            )  # fmt: skip
        people = await store.customer_rows({one.customer_id for one in tasks if one.customer_id is not None})
        return desk.render(
            "me.html",
            title=desk.session.name if row is None else row.name,
            here="me",
            agent=None if row is None else agent_view(row, now),
            working=None if row is None else _working(row),
            figures=figures,
            record=record,
            stories=[story_view(one) for one in stories],
            feedback=[feedback_view(one, seal) for one in feedback] if own else [],
            tasks=[task_view(one, desk.now) for one in tasks],
            names={id: row.name or id for id, row in people.items()},
            may_write=desk.may("complaints:write"),
            key=uuid.uuid4().hex,
            problem=problem,
            form=form,
        )


MakePage = Annotated[Parts, Depends()]


@router.get("/me")
async def me(parts: MakePage) -> Response:
    return await parts.page()


@router.post("/me/work")
async def work(parts: MakePage, steps: TakeSteps, form: Posted) -> Response:
    """At work, on a break, or off; the page again, with what is wrong."""
    try:
        on_shift, on_break = WORK[form.into(Work).state]
        said = await steps.shift(on_shift=on_shift, on_break=on_break, form=form)
    except TOLD as error:
        return await parts.page(from_error(error), form)
    return parts.desk.go("/me", said)


@router.post("/tasks/{task_id}/done")
async def done(
    desk: SignedIn,
    form: Posted,
    store: Store,
    commands: SendCommands,
    parts: MakePage,
    task_id: Annotated[str, Path(pattern=ID_PATTERN)],
    team: Annotated[Id | None, Query()] = None,
) -> Response:
    """A task of the team is done; the page again, with what is wrong."""
    principal = desk.demand("complaints:write")
    try:
        body = form.into(Finished).model_copy(update={"agent_id": desk.agent})
        answer = await finish_task(principal, store, commands, task_id, body, team, form.key)
    except TOLD as error:
        return await parts.page(from_error(error), form)
    return desk.go("/me", "done" if answer.status_code == 200 else "pending")


def _working(row: AgentRow) -> Working:
    return "off" if not row.on_shift else "break" if row.on_break else "work"
