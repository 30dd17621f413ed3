"""A conversation: what was said, whose it is, and all that can be done with it."""

from typing import Annotated, Any

from fastapi import Depends, Path, Query, Request, Response
from fastapi.responses import HTMLResponse

from services.interactions.desk.names import NAMES
from services.interactions.desk.page import Form, Posted, SignedIn, desk_router
from services.interactions.desk.presence import PRESENT
from services.interactions.desk.reading import clock_time
from services.interactions.desk.views.asked import RESTS
from services.interactions.desk.views.customer import customer_page
from services.interactions.desk.views.talk import days
from services.interactions.domain.conversations.course import course
from services.interactions.domain.state import Customer
from services.interactions.models.agents import AgentView, agent_view
from services.interactions.models.compensation import approval_view
from services.interactions.models.conversations import ConversationDetail, MessageView
from services.interactions.models.macros import MacroView, macro_views
from services.interactions.routes.dependencies import DeskRules, Policy, Store
from services.interactions.routes.desk.live import others_on
from services.interactions.routes.desk.steps import TakeSteps
from services.interactions.routes.transcripts import get_conversation
from shared.http.dependencies import Clock, Database
from shared.http.problems import TOLD, ProblemError, from_error
from shared.schemas.base import ID_PATTERN
from shared.schemas.times import micros

router = desk_router()

COLLEAGUES = 100
SHOWN = 50
"""Messages of a page."""
OUTCOMES = tuple(NAMES["outcome"].items())
"""How a conversation ends."""
CATEGORIES = tuple(NAMES["category"].items())
"""What a complaint is about, where the installation has no words of its own."""
ConversationId = Annotated[str, Path(pattern=ID_PATTERN)]
CustomerId = Annotated[str, Query(pattern=ID_PATTERN)]


class Parts:
    """What a conversation's page is made of."""

    def __init__(
        self,
        desk: SignedIn,
        store: Store,
        database: Database,
        clock: Clock,
        sla: Policy,
        rules: DeskRules,
    ) -> None:
        self.desk, self._rules = desk, rules
        self._store, self._database, self._clock, self._sla = store, database, clock, sla

    async def page(
        self,
        conversation_id: str,
        customer_id: str | None,
        *,
        cursor: str | None = None,
        macro: str = "",
        problem: ProblemError | None = None,
        form: Form | None = None,
    ) -> HTMLResponse:
        """``macro``: the name of one whose text the answer begins with; ``problem``: what came of ``form``,
        which is shown again as it was sent. Raises 404."""
        desk = self.desk
        who = desk.demand("customers:read")
        talk = await get_conversation(
            who,
            self._store,
            self._clock,
            self._sla,
            conversation_id,
            self._rules,
            customer_id,
            cursor,
            SHOWN,
        )
        customer = await self._store.customer(talk.customer_id) or Customer(customer_id=talk.customer_id)
        shown = customer_page(customer, self._sla, desk.now)
        boxes = [box for box in shown.open if box.card.complaint_id in talk.complaints]
        over = [card for card in shown.over if card.complaint_id in talk.complaints]
        rows = {c.complaint_id: c for c in customer.complaints}
        macros = self._macros(customer, talk)
        others = await others_on(desk, self._database, talk.conversation_id, talk.customer_id)
        colleagues = await self._colleagues(talk.team)
        name = shown.person.name or talk.customer_id
        return desk.render(
            "conversation.html",
            title=name,
            here="queue",
            problem=problem,
            form=Form({"of": "answer", "text": macros[macro].text or ""}, {}) if macro in macros else form,
            macros=list(macros.values()),
            talk=talk,
            name=name,
            days=days(talk.messages, desk.agent, desk.t.reader.where),
            before=days(_before(talk), desk.agent, desk.t.reader.where),
            customer=shown,
            local_time=shown.person.local_time and clock_time(shown.person.local_time, desk.t),
            complaints=boxes,
            over=over,
            approvals={
                box.card.complaint_id: [
                    approval_view(one.model_dump(mode="json", exclude_none=True))
                    for one in rows[box.card.complaint_id].approvals
                ]
                for box in boxes
            },
            scores={one.complaint_id: one for one in customer.scores if one.survey == "csat"},
            others=others,
            colleagues=[one for one in colleagues if one.agent_id != desk.agent],
            agents={one.agent_id: one.name for one in colleagues},
            mine=talk.agent_id == desk.agent,
            may_write=desk.may("complaints:write"),
            may_approve=desk.may("complaints:approve"),
            rests=RESTS,
            outcomes=OUTCOMES,
            categories=CATEGORIES,
            causes=[(cause, cause) for cause in self._sla.root_causes or ()],
            currency=_currency(shown.all.purchases.totals),
            watch=(talk.customer_id, PRESENT + talk.customer_id),
        )

    async def _colleagues(self, team: str | None) -> list[AgentView]:
        """Those of the team that was asked, else of the agent's own: those at work first."""
        me = await self._store.agent(self.desk.agent) if team is None else None
        wanted = team if me is None else me.team
        rows = await self._store.agents(team=wanted, after=None, limit=COLLEAGUES) if wanted else []
        now = micros(self.desk.now)
        return sorted((agent_view(row, now) for row in rows), key=lambda one: (not one.available, one.name))

    def _macros(self, customer: Customer, talk: ConversationDetail) -> dict[str, MacroView]:
        """Those that can be written now, by name."""
        found = course(customer.conversations).of(talk.conversation_id)
        if found is None:
            return {}
        desk = self.desk
        views = macro_views(
            self._rules,
            customer,
            found,
            channel=talk.reply_channel,
            agent_id=desk.agent,
            agent_name=desk.session.name,
            titles=desk.t.reader.speech.language,
        )
        return {view.name: view for view in views if view.text is not None}


MakePage = Annotated[Parts, Depends()]


@router.get("/conversations/{conversation_id}")
async def conversation(
    parts: MakePage,
    conversation_id: ConversationId,
    customer_id: CustomerId | None = None,
    cursor: str | None = None,
    macro: str = "",
) -> Response:
    return await parts.page(conversation_id, customer_id, cursor=cursor, macro=macro)


@router.post("/conversations/{conversation_id}/{step}")
async def take_step(
    parts: MakePage,
    steps: TakeSteps,
    form: Posted,
    conversation_id: ConversationId,
    step: str,
    customer_id: CustomerId,
) -> Response:
    """A step of the conversation, named as in the API; ``complaints`` opens one."""
    try:
        if step == "complaints":
            told = {"channel": form["channel"] or "web", "conversation_id": conversation_id}
            _id, said = await steps.open_complaint(customer_id, form, **told)
        else:
            said = await steps.talk(conversation_id, customer_id, step, form)
    except TOLD as error:
        return await _again(parts, conversation_id, customer_id, form, error)
    return parts.desk.go(_place(conversation_id, customer_id), said)


@router.post("/conversations/{conversation_id}/complaints/{complaint_id}/{step}")
async def take_complaint_step(
    parts: MakePage,
    steps: TakeSteps,
    form: Posted,
    conversation_id: ConversationId,
    complaint_id: Annotated[str, Path(pattern=ID_PATTERN)],
    step: str,
    customer_id: CustomerId,
) -> Response:
    """A step of a complaint that was made in the conversation."""
    try:
        said = await steps.complaint(complaint_id, customer_id, step, form)
    except TOLD as error:
        return await _again(parts, conversation_id, customer_id, form, error)
    return parts.desk.go(_place(conversation_id, customer_id), said)


@router.get("/conversations/{conversation_id}/{rest:path}")
async def back(request: Request, desk: SignedIn, conversation_id: ConversationId) -> Response:
    """Where a form was sent to there is no page: the conversation is shown."""
    return desk.go(_place(conversation_id, request.query_params.get("customer_id")))


async def _again(
    parts: Parts, conversation_id: str, customer_id: str, form: Form, error: Exception
) -> Response:
    """The page with what was wrong, and with what was typed. Raises the error where there is no such page."""
    problem = from_error(error)
    if problem.status in (401, 404):
        raise error
    return await parts.page(conversation_id, customer_id, problem=problem, form=form)


def _place(conversation_id: str, customer_id: str | None) -> str:
    query = "" if customer_id is None else f"?customer_id={customer_id}"
    return f"/conversations/{conversation_id}{query}"


def _before(talk: ConversationDetail) -> list[MessageView]:
    """What a bot tried and is not on this page anyway."""
    here = {message.id for message in talk.messages}
    return [] if talk.bot is None else [one for one in talk.bot.messages if one.id not in here]


def _currency(totals: list[Any]) -> str:
    """What the customer pays in."""
    return str(totals[0].currency) if totals else "EUR"
