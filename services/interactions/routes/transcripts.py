"""One conversation as people read it: what was said on every channel, what a bot tried, what is noted."""

from typing import Annotated

from fastapi import APIRouter, Query

from services.interactions.domain.conversations.conversation import Conversation
from services.interactions.domain.conversations.course import Course, course
from services.interactions.domain.conversations.messages import key_of, thread_of
from services.interactions.domain.conversations.promises import clocks_of
from services.interactions.domain.conversations.reply import reply_channel
from services.interactions.domain.desk.policy import Desk
from services.interactions.domain.routing.state import key_of as routing_key
from services.interactions.domain.routing.waits import waits_for
from services.interactions.domain.rows import ConversationRow, TimelineRow, conversation_row, sort_key
from services.interactions.domain.state import Customer
from services.interactions.errors import AMBIGUOUS_CONVERSATION, UNKNOWN_CONVERSATION
from services.interactions.models.complaints import clock_view
from services.interactions.models.conversations import BotView, ConversationDetail, message_view, shown
from services.interactions.person_store import ids_in
from services.interactions.routes.dependencies import (
    ConversationId,
    DeskRules,
    Policy,
    Reader,
    Store,
    last_shown,
    of_these,
)
from services.interactions.store import InteractionsStore
from shared.http.audit import touched
from shared.http.dependencies import Clock
from shared.http.errors import responses
from shared.http.paging import DEFAULT_LIMIT, Cursor, Limit, cut
from shared.schemas.base import Id
from shared.schemas.times import Micros, maybe_moment, micros

router = APIRouter(tags=["conversations"])

Whose = Annotated[Id | None, Query(description="The customer, where two have a conversation of this id.")]
ONE = responses(UNKNOWN_CONVERSATION, AMBIGUOUS_CONVERSATION)
BOT_MESSAGES = 50
"""What a bot said before people had it: so much is shown, the latest."""


@router.get("/conversations/{conversation_id}", summary="One, with its messages", responses=ONE)
async def get_conversation(
    principal: Reader,
    store: Store,
    clock: Clock,
    sla: Policy,
    conversation_id: ConversationId,
    desk: DeskRules,
    customer_id: Whose = None,
    cursor: Cursor = None,
    limit: Limit = DEFAULT_LIMIT,
) -> ConversationDetail:
    """One that is part of another by now answers as that, which names it in ``merged_from``."""
    row = await the_one(store, conversation_id, customer_id)
    customer = await store.customer(row.customer_id) or Customer(customer_id=row.customer_id)
    before = of_these(last_shown(cursor), ids_in(customer))
    now = course(customer.conversations)
    id = now.survivor(row.conversation_id)
    if id not in now.open and row.into is not None:
        id = now.survivor(row.into)
    rows = await messages_of(store, customer, now, id, before=before, limit=limit + 1)
    seen, following = cut(rows, limit, lambda one: (one.place,))
    found = now.open.get(id)
    if found is None and row.into is not None:
        row = await the_one(store, id, row.customer_id)
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
        snooze_reason=None if found.snooze is None else found.snooze.reason,
        bot=await tried_by_bot(store, customer, found),
        waits_for=await _waits_for(store, desk, customer, found, at),
        messages=[message_view(one, found.hushed) for one in seen],
        cursor=following,
    )


async def _waits_for(
    store: InteractionsStore, desk: Desk, customer: Customer, found: Conversation, now: Micros
) -> str | None:
    """Why it has no agent yet, as its team knows; None where it wants none."""
    routed = customer.routing.by_id.get(found.conversation_id)
    if not found.wanted or routed is None or routed.wanted is None:
        return None
    team = await store.team(routed.wanted.team)
    key = routing_key(customer.customer_id, found.conversation_id)
    return None if team is None else waits_for(desk, team, key, now)


async def tried_by_bot(store: InteractionsStore, customer: Customer, found: Conversation) -> BotView | None:
    """What a bot did before people had the conversation; None where none did, or has it still."""
    said = [m for m in found.messages if m.by == "bot" and m.key not in found.hushed]
    handed = found.escalation
    if not found.silenced or not (said or (handed is not None and handed.to == "bot")):
        return None
    rows: list[TimelineRow] = []
    if said:
        shown, id = said[-BOT_MESSAGES:], customer.customer_id
        keys, threads = {m.key for m in shown}, sorted({thread_of(m) for m in shown})
        rows = await store.messages(
            ids_in(customer),
            threads,
            lambda row: key_of(row.uid) in keys,
            since=f"{id} {sort_key(shown[0].at, '')}",
            before=f"{id} {sort_key(shown[-1].at + 1, '')}",
            limit=BOT_MESSAGES,
        )
    return BotView(
        since=maybe_moment(said[0].at if said else None),
        escalated_by=None if handed is None else handed.to,
        escalated_at=maybe_moment(None if handed is None else handed.at),
        reason=None if handed is None else handed.reason,
        messages=[message_view(row) for row in rows],
    )


def complaints_of(customer: Customer, now: Course, conversation_id: str) -> list[str]:
    """The complaints that were made in a conversation."""
    named = ((c.complaint_id, c.conversation_id) for c in customer.complaints)
    return [id for id, told in named if told is not None and now.survivor(told) == conversation_id]


async def messages_of(
    store: InteractionsStore, customer: Customer, now: Course, id: str, *, before: str | None, limit: int
) -> list[TimelineRow]:
    """A row's conversation is by what is known now; of a message that was forgotten, what it was told in."""
    found = now.open.get(id)
    threads = {id} if found is None else {id, *found.merged_from, *(thread_of(m) for m in found.messages)}

    def belongs(row: TimelineRow) -> bool:
        home = now.homes.get(key_of(row.uid), row.conversation_id)
        return home is not None and now.survivor(home) == id

    ids = ids_in(customer)
    return await store.messages(ids, sorted(threads), belongs, before=before, limit=limit)


async def the_one(store: InteractionsStore, conversation_id: str, customer_id: str | None) -> ConversationRow:
    """The conversation of this id. Raises 404 ``unknown_conversation``, 409 ``ambiguous_conversation``."""
    rows = await store.conversations_named(conversation_id, customer_id)
    if not rows:
        raise UNKNOWN_CONVERSATION(conversation=conversation_id)
    if len(rows) > 1:
        raise AMBIGUOUS_CONVERSATION(conversation=conversation_id)
    touched(rows[0].customer_id)
    return rows[0]
