"""Conversations: what was said on every channel, and what is said next."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Query
from fastapi.responses import JSONResponse

from services.interactions.domain.conversations.conversation import Status
from services.interactions.domain.conversations.course import Course, course
from services.interactions.domain.conversations.messages import key_of, thread_of
from services.interactions.domain.conversations.promises import clocks_of
from services.interactions.domain.conversations.reply import reply_channel
from services.interactions.domain.routing.by_hand import warnings
from services.interactions.domain.rows import ConversationRow, TimelineRow, conversation_row
from services.interactions.domain.state import Customer
from services.interactions.errors import (
    AMBIGUOUS_CONVERSATION,
    BOT_SILENCED,
    CONVERSATION_CLOSED,
    CONVERSATION_MERGED,
    INVALID_CURSOR,
    MERGE_CYCLE,
    UNKNOWN_CONVERSATION,
    UNKNOWN_MESSAGE,
)
from services.interactions.models.complaints import clock_view
from services.interactions.models.conversations import (
    Assignment,
    Close,
    ConversationDetail,
    ConversationView,
    Given,
    Merge,
    NewMessage,
    Return,
    Sent,
    Split,
    Stands,
    command_of,
    conversation_view,
    message_view,
    shown,
)
from services.interactions.routes.complaints import answers
from services.interactions.routes.dependencies import (
    ConversationId,
    Policy,
    Reader,
    Store,
    Writer,
    last_shown,
)
from services.interactions.store import InteractionsStore
from shared.http.commands import IdempotencyKey
from shared.http.dependencies import Clock, SendCommands
from shared.http.errors import responses
from shared.http.paging import DEFAULT_LIMIT, Cursor, Limit, Page, cut, page
from shared.schemas.base import Id, Strict
from shared.schemas.commands.conversations import (
    ConversationAssignRequested,
    ConversationCloseRequested,
    ConversationCommand,
    ConversationMergeRequested,
    ConversationMessageRequested,
    ConversationReturnRequested,
    ConversationSplitRequested,
)
from shared.schemas.times import micros

router = APIRouter(tags=["conversations"])

Whose = Annotated[Id | None, Query(description="The customer, where two have a conversation of this id.")]
ONE = responses(UNKNOWN_CONVERSATION, AMBIGUOUS_CONVERSATION)
SOLVED = Close()


@router.get("/conversations", summary="Find", response_model=Page[ConversationView])
async def list_conversations(
    principal: Reader,
    store: Store,
    status: Status | None = None,
    team: Annotated[Id | None, Query(description="The team that has it, or was asked last.")] = None,
    agent: Annotated[Id | None, Query(description="The agent who has it.")] = None,
    cursor: Cursor = None,
    limit: Limit = DEFAULT_LIMIT,
) -> dict[str, Any]:
    """Conversations of all customers, the last begun first; those that are part of another are not shown."""
    rows = await store.conversations(
        status=status, team=team, agent=agent, before=last_shown(cursor), limit=limit + 1
    )
    found, following = cut(rows, limit, lambda row: (row.order,))
    return page([conversation_view(row) for row in found], following)


@router.get("/conversations/{conversation_id}", summary="One, with its messages", responses=ONE)
async def get_conversation(
    principal: Reader,
    store: Store,
    clock: Clock,
    sla: Policy,
    conversation_id: ConversationId,
    customer_id: Whose = None,
    cursor: Cursor = None,
    limit: Limit = DEFAULT_LIMIT,
) -> ConversationDetail:
    """One that is part of another by now answers as that, which names it in ``merged_from``."""
    row = await _the_one(store, conversation_id, customer_id)
    before = last_shown(cursor)
    if before is not None and not before.startswith(f"{row.customer_id} "):
        raise INVALID_CURSOR()
    customer = await store.customer(row.customer_id) or Customer(customer_id=row.customer_id)
    now = course(customer.conversations)
    id = now.survivor(row.conversation_id)
    if id not in now.open and row.into is not None:
        id = now.survivor(row.into)
    rows = await _messages(store, customer, now, id, before, limit + 1)
    seen, following = cut(rows, limit, lambda one: (one.place,))
    found = now.open.get(id)
    if found is None and row.into is not None:
        row = await _the_one(store, id, row.customer_id)
        if row.into is not None:  # there was nothing in it, as is known by now
            raise UNKNOWN_CONVERSATION(conversation=conversation_id)
    if found is None:  # forgotten: what its row says is all that is known
        return ConversationDetail(
            **shown(row),
            merged_from=[],
            complaints=[],
            reply_channel=None,
            clocks=[],
            messages=[message_view(one) for one in seen],
            cursor=following,
        )
    complaints = complaints_of(customer, now, id)
    at = micros(await clock.now(customer.customer_id))
    return ConversationDetail(
        **shown(conversation_row(customer.customer_id, found, customer.routing.by_id.get(id))),
        merged_from=found.merged_from,
        complaints=complaints,
        reply_channel=reply_channel(customer, found),
        clocks=[] if complaints else [clock_view(one) for one in clocks_of(customer, found, sla, at).clocks],
        messages=[message_view(one) for one in seen],
        cursor=following,
    )


class OneConversation:
    """The conversation about which something is asked, and who asks."""

    def __init__(
        self,
        principal: Writer,
        store: Store,
        commands: SendCommands,
        conversation_id: ConversationId,
        customer_id: Whose = None,
        key: IdempotencyKey = None,
    ) -> None:
        self._principal = principal
        self._store = store
        self._commands = commands
        self._id = conversation_id
        self._customer_id = customer_id
        self._key = key

    async def ask(
        self, action: str, kind: type[ConversationCommand], body: Strict, **more: Any
    ) -> JSONResponse:
        """Send the command and answer what its worker says."""
        row = await self.row()
        command = command_of(kind, self._id, body, **more)
        route = f"conversations.{action}"
        answer = await self._commands.submit(self._principal, route, row.customer_id, command, self._key)
        return answer.response()

    async def row(self) -> ConversationRow:
        """How it stood last. Raises as the route does."""
        return await _the_one(self._store, self._id, self._customer_id)

    async def warnings(self, agent_id: str) -> list[str]:
        """Why routing would not choose this agent."""
        return warnings(await self._store.agent(agent_id), await self.row())


Asked = Annotated[OneConversation, Depends()]


@router.post(
    "/conversations/{conversation_id}/messages",
    summary="Write to the customer",
    status_code=201,
    responses=answers(Sent, 201) | ONE | responses(BOT_SILENCED),
)
async def write(conversation: Asked, body: NewMessage) -> JSONResponse:
    """It goes out by ``channel``; left out, by what the customer prefers, else by what they wrote by last.
    What is said by phone, by letter or in person is only noted. Bots are silent once people have it."""
    return await conversation.ask("messages", ConversationMessageRequested, body)


@router.post(
    "/conversations/{conversation_id}/assign", summary="Give it to an agent", responses=answers(Given) | ONE
)
async def assign(conversation: Asked, body: Assignment) -> JSONResponse:
    """Whoever it is: what routing would have said against it is in ``warnings``. It counts as theirs."""
    told = await conversation.warnings(body.agent_id)
    return await conversation.ask("assign", ConversationAssignRequested, body, warnings=tuple(told))


@router.post(
    "/conversations/{conversation_id}/return",
    summary="Give it back to the queue or the bot",
    responses=answers(Stands) | ONE | responses(CONVERSATION_CLOSED),
)
async def give_back(conversation: Asked, body: Return) -> JSONResponse:
    return await conversation.ask("return", ConversationReturnRequested, body)


@router.post(
    "/conversations/{conversation_id}/merge",
    summary="Make it part of another",
    responses=answers(Stands) | ONE | responses(MERGE_CYCLE, CONVERSATION_MERGED),
)
async def merge(conversation: Asked, body: Merge) -> JSONResponse:
    """Both are the same customer's. ``into`` goes on, with the messages of both."""
    return await conversation.ask("merge", ConversationMergeRequested, body)


@router.post(
    "/conversations/{conversation_id}/split",
    summary="Move messages to another, or a new one",
    responses=answers(Stands) | ONE | responses(UNKNOWN_MESSAGE),
)
async def split(conversation: Asked, body: Split) -> JSONResponse:
    """Answers that named no conversation go with what they answer."""
    return await conversation.ask("split", ConversationSplitRequested, body)


@router.post(
    "/conversations/{conversation_id}/close",
    summary="It is over",
    responses=answers(Stands) | ONE | responses(CONVERSATION_CLOSED),
)
async def close(conversation: Asked, body: Annotated[Close, Body()] = SOLVED) -> JSONResponse:
    """A later message opens it again."""
    return await conversation.ask("close", ConversationCloseRequested, body)


def complaints_of(customer: Customer, now: Course, conversation_id: str) -> list[str]:
    """The complaints that were made in a conversation."""
    named = ((c.complaint_id, c.conversation_id) for c in customer.complaints)
    return [id for id, told in named if told is not None and now.survivor(told) == conversation_id]


async def _messages(
    store: InteractionsStore, customer: Customer, now: Course, id: str, before: str | None, limit: int
) -> list[TimelineRow]:
    """A row's conversation is by what is known now; of a message that was forgotten, what it was told in."""
    found = now.open.get(id)
    threads = {id} if found is None else {id, *found.merged_from, *(thread_of(m) for m in found.messages)}

    def belongs(row: TimelineRow) -> bool:
        home = now.homes.get(key_of(row.uid), row.conversation_id)
        return home is not None and now.survivor(home) == id

    return await store.messages(customer.customer_id, sorted(threads), belongs, before=before, limit=limit)


async def _the_one(
    store: InteractionsStore, conversation_id: str, customer_id: str | None
) -> ConversationRow:
    """The conversation of this id. Raises 404 ``unknown_conversation``, 409 ``ambiguous_conversation``."""
    rows = await store.conversations_named(conversation_id, customer_id)
    if not rows:
        raise UNKNOWN_CONVERSATION(conversation=conversation_id)
    if len(rows) > 1:
        raise AMBIGUOUS_CONVERSATION(conversation=conversation_id)
    return rows[0]
