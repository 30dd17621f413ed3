"""Macros: what agents write often, for one conversation."""

from typing import Annotated

from fastapi import APIRouter, Query

from services.interactions.domain.conversations.course import course
from services.interactions.domain.conversations.reply import reply_channel
from services.interactions.domain.state import Customer
from services.interactions.errors import UNKNOWN_CONVERSATION
from services.interactions.models.macros import Macros, macro_views
from services.interactions.routes.dependencies import ConversationId, DeskRules, Reader, Store
from services.interactions.routes.transcripts import ONE, Whose, the_one
from shared.schemas.base import Id
from shared.schemas.fields import Locale
from shared.schemas.interactions import Channel

router = APIRouter(tags=["conversations"])


@router.get("/conversations/{conversation_id}/macros", summary="What agents write often", responses=ONE)
async def get_macros(
    principal: Reader,
    store: Store,
    desk: DeskRules,
    conversation_id: ConversationId,
    customer_id: Whose = None,
    channel: Annotated[
        Channel | None, Query(description="What it goes out by; left out, what an answer goes out by.")
    ] = None,
    agent_id: Annotated[Id | None, Query(description="Who writes.")] = None,
    language: Annotated[
        Locale | None, Query(description="A language's tag; left out, the customer's.")
    ] = None,
) -> Macros:
    """Each with the fields of this customer and conversation filled in."""
    row = await the_one(store, conversation_id, customer_id)
    customer = await store.customer(row.customer_id) or Customer(customer_id=row.customer_id)
    found = course(customer.conversations).of(row.into or row.conversation_id)
    if found is None:
        raise UNKNOWN_CONVERSATION(conversation=conversation_id)
    by = channel or reply_channel(customer, found)
    return Macros(items=macro_views(desk, customer, found, channel=by, agent_id=agent_id, language=language))
