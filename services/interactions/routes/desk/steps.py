"""What pages ask the worker for: by the same commands as the API's routes, with the key of the form. A form
sent twice is one request; who asks is who has signed in."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends
from pydantic import ValidationError

from services.interactions.desk.faults import Fault, FormError, not_valid
from services.interactions.desk.page import Desk, Form, SignedIn
from services.interactions.desk.said import given
from services.interactions.desk.views.asked import AskedError, compensation, counted_from, later, rest_until
from services.interactions.domain.routing.by_hand import warnings
from services.interactions.domain.routing.state import ONE
from services.interactions.errors import UNKNOWN_AGENT
from services.interactions.models import complaints, conversations
from services.interactions.models.compensation import Approving
from services.interactions.routes.dependencies import Store
from services.interactions.routes.transcripts import the_one
from shared.http.commands import Answer, Commands
from shared.http.dependencies import SendCommands
from shared.http.problems import ProblemError
from shared.schemas.base import Data, Strict
from shared.schemas.commands import complaints as asks
from shared.schemas.commands import conversations as talks
from shared.schemas.commands.teams import AgentChangeRequested
from shared.schemas.teams import Capacity

Read = Callable[[Desk, Form], Strict]
"""What a form asks for. Raises 422, ``AskedError``, Pydantic's ``ValidationError``."""


@dataclass(frozen=True, slots=True)
class Step:
    """Something that can be asked for; ``said`` is what the page says once it is done."""

    command: type[Data]
    read: Read
    said: str = "done"


def _plain(model: type[Strict], *signed: str) -> Read:
    """The form's fields of the model's names; ``signed``: those that are the agent's id."""
    return lambda desk, form: form.into(model, **dict.fromkeys(signed, desk.agent))


def _snooze(desk: Desk, form: Form) -> Strict:
    start = desk.now if form["rest"] == "at" else counted_from(form["made"], desk.now)
    until = rest_until(form["rest"], form["at"], start, desk.t.reader.where)
    return conversations.Snooze(until=until, reason=form["reason"])


def _update(desk: Desk, form: Form) -> Strict:
    told = {name: form[name] for name in ("message", "assignee") if form[name]}
    when = form["promised_by"]
    by = later(when, desk.now, desk.t.reader.where, "promised_by") if when else None
    return complaints.Update.model_validate({**told, "promised_by": by})


def _assign(desk: Desk, form: Form) -> Strict:
    return conversations.Assignment.model_validate({"agent_id": form["agent_id"].strip() or desk.agent})


def _compensate(desk: Desk, form: Form) -> Strict:
    currency, reward_id = form["currency"] or "EUR", form["reward_id"].strip()
    return compensation(
        form["kind"], form["points"].strip(), form["amount"], currency, reward_id, desk.t.locale
    )


TALK: Mapping[str, Step] = {
    "messages": Step(
        talks.ConversationMessageRequested, _plain(conversations.NewMessage, "agent_id"), "sent"
    ),
    "notes": Step(talks.ConversationNoteRequested, _plain(conversations.NewNote, "agent_id"), "noted"),
    "assign": Step(talks.ConversationAssignRequested, _assign),
    "return": Step(talks.ConversationReturnRequested, _plain(conversations.Return)),
    "snooze": Step(talks.ConversationSnoozeRequested, _snooze),
    "close": Step(talks.ConversationCloseRequested, _plain(conversations.Close)),
}
"""Of a conversation, by the names that the API's routes have."""
COMPLAINT: Mapping[str, Step] = {
    "acknowledge": Step(asks.ComplaintAcknowledgeRequested, _plain(complaints.Acknowledgement, "assignee")),
    "update": Step(asks.ComplaintUpdateRequested, _update),
    "resolve": Step(asks.ComplaintResolveRequested, _plain(complaints.Resolution)),
    "reopen": Step(asks.ComplaintReopenRequested, _plain(complaints.Reopening)),
    "close": Step(asks.ComplaintCloseRequested, _plain(complaints.Closing)),
    "change": Step(asks.ComplaintChangeRequested, _plain(complaints.Change)),
    "wait": Step(asks.ComplaintWaitRequested, _plain(complaints.Wait)),
    "resume": Step(asks.ComplaintResumeRequested, _plain(complaints.Resumption)),
    "compensate": Step(asks.ComplaintCompensateRequested, _compensate),
    "approve": Step(asks.ComplaintApproveRequested, _plain(Approving)),
}
"""Of a complaint."""


class Steps:
    """Asks for steps, as who has signed in."""

    def __init__(self, desk: SignedIn, store: Store, commands: SendCommands) -> None:
        self._desk, self._store = desk, store
        self._commands: Commands = commands

    async def talk(self, conversation_id: str, customer_id: str, name: str, form: Form) -> str:
        """Of a conversation; what the page says then. Raises ``ProblemError``: 404 for a step that there is
        not, 403, 422, and what its worker refuses."""
        self._desk.demand("complaints:write")
        step = _step(TALK, name)
        body = self._read(step, form)
        told: dict[str, object] = {"conversation_id": conversation_id}
        if isinstance(body, conversations.Assignment):
            row = await the_one(self._store, conversation_id, customer_id)
            told["warnings"] = warnings(await self._store.agent(body.agent_id), row)
        command = step.command.model_validate(body.model_dump(exclude_none=True) | told)
        return await self._ask(f"conversations.{name}", customer_id, command, form, step.said)

    async def complaint(self, complaint_id: str, customer_id: str, name: str, form: Form) -> str:
        """Of a complaint; as ``talk``. ``pending-approval`` is said of what somebody else must approve."""
        who = self._desk.demand("complaints:approve" if name == "approve" else "complaints:write")
        step = _step(COMPLAINT, name)
        told: dict[str, object] = {"complaint_id": complaint_id}
        if name == "compensate":
            told |= {"asked_by": who.name, "scopes": sorted(who.scopes)}
        elif name == "approve":
            told |= {"approved_by": who.name}
        body = self._read(step, form)
        command = step.command.model_validate(body.model_dump(exclude_none=True) | told)
        return await self._ask(f"complaints.{name}", customer_id, command, form, step.said)

    async def shift(self, *, on_shift: bool, on_break: bool, form: Form) -> str:
        """The agent who has signed in, as they are but for this. Raises 404 ``unknown_agent``."""
        agent = await self._store.agent(self._desk.agent)
        if agent is None:
            raise UNKNOWN_AGENT(agent=self._desk.agent)
        command = AgentChangeRequested(
            agent_id=agent.agent_id,
            name=agent.name,
            skills=dict(agent.skills),
            languages=tuple(agent.languages),
            capacity=Capacity.model_validate(
                {
                    "total": agent.total / ONE,
                    "weights": {name: cost / ONE for name, cost in agent.weights.items()},
                }
            ),
            on_shift=on_shift,
            on_break=on_break,
        )
        return await self._ask("agents", agent.team, command, form, "saved")

    async def open_complaint(self, customer_id: str, form: Form, **told: str) -> tuple[str | None, str]:
        """A new one: its id, where that is known already, and what the page says. ``told``: what the form
        does not say of it."""
        self._desk.demand("complaints:write")
        body = form.into(complaints.NewComplaint, customer_id=customer_id, **told)
        command = asks.ComplaintOpenRequested.model_validate(body.model_dump(exclude_none=True))
        answer = await self._answer("complaints", customer_id, command, form)
        return answer.body.get("complaint_id"), _said(answer, "done")

    def _read(self, step: Step, form: Form) -> Strict:
        try:
            return step.read(self._desk, form)
        except AskedError as error:
            raise FormError([Fault(str(error), name=error.field)]) from None
        except ValidationError as error:
            raise not_valid(error) from None

    async def _ask(self, route: str, customer_id: str, command: Data, form: Form, said: str) -> str:
        return _said(await self._answer(route, customer_id, command, form), said)

    async def _answer(self, route: str, customer_id: str, command: Data, form: Form) -> Answer:
        assert self._desk.principal is not None
        return await self._commands.submit(self._desk.principal, route, customer_id, command, form.key)


def _said(answer: Answer, done: str) -> str:
    if against := answer.body.get("warnings"):
        return given(against)
    if answer.status == 202:
        return "pending-approval" if answer.body.get("code") == "needs_approval" else "pending"
    return done


def _step(steps: Mapping[str, Step], name: str) -> Step:
    found = steps.get(name)
    if found is None:
        raise ProblemError(404, "not_found")
    return found


TakeSteps = Annotated[Steps, Depends()]
