"""Conversations: lists of them, and what is said and done next."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Query
from fastapi.responses import JSONResponse

from services.interactions.domain.conversations.conversation import Status
from services.interactions.domain.routing.by_hand import warnings
from services.interactions.domain.rows import ConversationRow
from services.interactions.errors import (
    BOT_SILENCED,
    CONVERSATION_CLOSED,
    CONVERSATION_MERGED,
    MERGE_CYCLE,
    SNOOZE_PAST,
    UNKNOWN_MESSAGE,
)
from services.interactions.models.conversations import (
    Assignment,
    Close,
    ConversationView,
    Given,
    Merge,
    NewMessage,
    NewNote,
    Noted,
    Return,
    Sent,
    Snooze,
    Split,
    Stands,
    command_of,
    conversation_view,
)
from services.interactions.routes.complaints import answers
from services.interactions.routes.dependencies import ConversationId, Reader, Store, Writer, last_shown
from services.interactions.routes.transcripts import ONE, Whose, the_one
from shared.http.bodies import Told
from shared.http.commands import IdempotencyKey
from shared.http.dependencies import SendCommands
from shared.http.errors import responses
from shared.http.paging import DEFAULT_LIMIT, Cursor, Limit, Page, cut, page
from shared.schemas.base import Id, Strict
from shared.schemas.commands.conversations import (
    ConversationAssignRequested,
    ConversationCloseRequested,
    ConversationCommand,
    ConversationMergeRequested,
    ConversationMessageRequested,
    ConversationNoteRequested,
    ConversationReturnRequested,
    ConversationSnoozeRequested,
    ConversationSplitRequested,
)

router = APIRouter(tags=["conversations"])

SOLVED = Close()
REST = Snooze()


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
        return await the_one(self._store, self._id, self._customer_id)

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
async def write(conversation: Asked, body: Told[NewMessage]) -> JSONResponse:
    """It goes out by ``channel``; left out, by what the customer prefers, else by what they wrote by last.
    What is said by phone, by letter or in person is only noted. Bots are silent once people have it."""
    return await conversation.ask("messages", ConversationMessageRequested, body)


@router.post(
    "/conversations/{conversation_id}/assign", summary="Give it to an agent", responses=answers(Given) | ONE
)
async def assign(conversation: Asked, body: Told[Assignment]) -> JSONResponse:
    """Whoever it is: what routing would have said against it is in ``warnings``. It counts as theirs."""
    told = await conversation.warnings(body.agent_id)
    return await conversation.ask("assign", ConversationAssignRequested, body, warnings=tuple(told))


@router.post(
    "/conversations/{conversation_id}/return",
    summary="Give it back to the queue or the bot",
    responses=answers(Stands) | ONE | responses(CONVERSATION_CLOSED),
)
async def give_back(conversation: Asked, body: Told[Return]) -> JSONResponse:
    return await conversation.ask("return", ConversationReturnRequested, body)


@router.post(
    "/conversations/{conversation_id}/notes",
    summary="Say something to colleagues",
    status_code=201,
    responses=answers(Noted, 201) | ONE,
)
async def note(conversation: Asked, body: Told[NewNote]) -> JSONResponse:
    """It stands among the messages, is never sent, and is no answer."""
    return await conversation.ask("notes", ConversationNoteRequested, body)


@router.post(
    "/conversations/{conversation_id}/snooze",
    summary="Let it rest",
    responses=answers(Stands) | ONE | responses(CONVERSATION_CLOSED, SNOOZE_PAST),
)
async def snooze(conversation: Asked, body: Annotated[Told[Snooze], Body()] = REST) -> JSONResponse:
    """It is ``waiting`` until its time comes or the customer writes, and then with whoever had it. Giving it
    to somebody ends its rest; an answer does not."""
    return await conversation.ask("snooze", ConversationSnoozeRequested, body)


@router.post(
    "/conversations/{conversation_id}/merge",
    summary="Make it part of another",
    responses=answers(Stands) | ONE | responses(MERGE_CYCLE, CONVERSATION_MERGED),
)
async def merge(conversation: Asked, body: Told[Merge]) -> JSONResponse:
    """Both are the same customer's. ``into`` goes on, with the messages of both."""
    return await conversation.ask("merge", ConversationMergeRequested, body)


@router.post(
    "/conversations/{conversation_id}/split",
    summary="Move messages to another, or a new one",
    responses=answers(Stands) | ONE | responses(UNKNOWN_MESSAGE),
)
async def split(conversation: Asked, body: Told[Split]) -> JSONResponse:
    """Answers that named no conversation go with what they answer."""
    return await conversation.ask("split", ConversationSplitRequested, body)


@router.post(
    "/conversations/{conversation_id}/close",
    summary="It is over",
    responses=answers(Stands) | ONE | responses(CONVERSATION_CLOSED),
)
async def close(conversation: Asked, body: Annotated[Told[Close], Body()] = SOLVED) -> JSONResponse:
    """A later message opens it again."""
    return await conversation.ask("close", ConversationCloseRequested, body)
