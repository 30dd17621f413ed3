"""What an agent or a bot writes: by which channel it goes, and what is asked of followup."""

from collections.abc import Mapping
from typing import cast, get_args

from services.interactions.domain.conversations.conversation import Conversation
from services.interactions.domain.state import Customer
from shared.domain import Context
from shared.facts.profile import value_of
from shared.schemas.commands.conversations import ConversationMessageRequested
from shared.schemas.commands.followup import ReplyRequested
from shared.schemas.interactions import Channel, InteractionLogged

SUMMARY_LENGTH = 200
SUBJECT_LENGTH = 128

ADDRESSES: Mapping[str, str] = {"email": "email", "sms": "phone"}
"""Channel -> the field of the profile without which nobody can be written to by it."""
BY_PEOPLE = frozenset({"phone", "mail", "in_person"})
"""Channels on which somebody has to speak or to post: what was said by one is noted, and nothing sent."""


def reply(
    customer: Customer, found: Conversation, command: ConversationMessageRequested, context: Context
) -> tuple[InteractionLogged, ReplyRequested | None]:
    """The message as a fact, and what followup is to send. An answer finds its way back by ``message_id``."""
    channel = command.channel or reply_channel(customer, found)
    name = context.new_id("reply")
    answered = next(
        (m for m in reversed(found.messages) if m.by == "customer" and m.channel == channel), None
    )
    in_reply_to = None if answered is None else answered.name
    said = {
        "channel": channel,
        "direction": "outbound",
        "kind": "reply",
        "summary": command.text[:SUMMARY_LENGTH],
        "conversation_id": found.conversation_id,
        "agent_id": command.agent_id,
        "author": command.author,
        "text": command.text,
        "attachments": command.attachments or None,
        "message_id": name,
        "in_reply_to": in_reply_to,
        "subject": command.subject,
    }
    fact = InteractionLogged.model_validate({k: v for k, v in said.items() if v is not None})
    if channel in BY_PEOPLE:
        return fact, None
    request = ReplyRequested(
        outreach_id=name,
        conversation_id=found.conversation_id,
        channel=channel,
        text=command.text,
        subject=command.subject or _subject(found),
        in_reply_to=in_reply_to,
        agent_id=command.agent_id,
    )
    return fact, request


def reply_channel(customer: Customer, found: Conversation) -> Channel:
    """What the customer says that they prefer, if they can be written to by it; else what they wrote by last
    in this conversation; else what there is an address for."""
    preferred = value_of(customer.profile, "preferred_channel")
    used = {m.channel for m in found.messages if m.by == "customer"}
    if preferred in get_args(Channel) and _can_be_written(customer, preferred, used):
        return cast(Channel, preferred)
    if found.channel is not None and found.channel not in BY_PEOPLE:
        return cast(Channel, found.channel)
    known = (channel for channel, field in ADDRESSES.items() if value_of(customer.profile, field))
    return cast(Channel, next(known, found.channel or "email"))


def _can_be_written(customer: Customer, channel: str, used: set[str]) -> bool:
    if channel in BY_PEOPLE:
        return False
    field = ADDRESSES.get(channel)
    return channel in used if field is None else bool(value_of(customer.profile, field))


def _subject(found: Conversation) -> str | None:
    told = next((m.subject for m in reversed(found.messages) if m.subject is not None), None)
    if told is None:
        return None
    return (told if told.casefold().startswith("re:") else f"Re: {told}")[:SUBJECT_LENGTH]
