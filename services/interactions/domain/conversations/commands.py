"""What agents and bots ask for over HTTP, as the facts that it leads to."""

from typing import Any, NamedTuple, TypeVar

from services.interactions.domain.conversations.conversation import Conversation
from services.interactions.domain.conversations.course import Course, course
from services.interactions.domain.conversations.folds import refusal_of
from services.interactions.domain.conversations.messages import key_of
from services.interactions.domain.conversations.reply import reply
from services.interactions.domain.state import Customer
from services.interactions.errors import (
    BOT_SILENCED,
    CONVERSATION_CLOSED,
    CONVERSATION_MERGED,
    SNOOZE_PAST,
    UNKNOWN_CONVERSATION,
    UNKNOWN_MESSAGE,
)
from shared.domain import Context, Outcome
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
from shared.schemas.commands.followup import ReplyRequested
from shared.schemas.event import Event
from shared.schemas.interactions import (
    ConversationAssigned,
    ConversationClosed,
    ConversationMerged,
    ConversationNoted,
    ConversationReturned,
    ConversationSnoozed,
    ConversationSplit,
    InteractionLogged,
    InteractionsData,
)
from shared.schemas.times import Micros

F = TypeVar("F", bound=InteractionsData)


class Asked(NamedTuple):
    """The fact that a command asks for, and when it happens."""

    fact: InteractionsData
    at: Micros
    request: ReplyRequested | None = None
    """What is asked of followup beside it."""


def decide(customer: Customer, command: ConversationCommand, at: Micros, context: Context) -> Asked:
    """Raises ``unknown_conversation``, ``unknown_message``, ``bot_silenced``, ``conversation_closed``,
    ``conversation_merged``, ``merge_cycle``, ``snooze_past``.

    Whoever asks acts on what is known, so it happens after all of it, even where a clock is ahead of ours.
    What is asked of a conversation that is part of another is asked of that, but for a merge.
    """
    now = course(customer.conversations)
    found = _known(now, command.conversation_id)
    at, id = max(at, 1 + found.updated_at), found.conversation_id
    match command:
        case ConversationMessageRequested():
            if command.author == "bot" and found.silenced:
                raise BOT_SILENCED(conversation=id)
            fact, request = reply(customer, found, command, context)
            return Asked(fact, at, request)
        case ConversationAssignRequested(agent_id=agent, warnings=warnings):
            why = {"warnings": list(warnings)} if warnings else {}
            return Asked(ConversationAssigned(conversation_id=id, agent_id=agent, why=why, manual=True), at)
        case ConversationReturnRequested(to=to, reason=reason):
            _refuse_closed(found)
            return Asked(ConversationReturned(conversation_id=id, to=to, reason=reason), at)
        case ConversationNoteRequested(text=text, agent_id=agent):
            return Asked(_without_none(ConversationNoted, conversation_id=id, text=text, agent_id=agent), at)
        case ConversationSnoozeRequested(until=until, reason=reason):
            _refuse_closed(found)
            if until is not None and until <= context.now:
                raise SNOOZE_PAST(field="until")
            rest = _without_none(ConversationSnoozed, conversation_id=id, until=until, reason=reason)
            return Asked(rest, at)
        case ConversationMergeRequested(conversation_id=merged, into=into):
            target = _known(now, into)
            merge = ConversationMerged(conversation_id=merged, into=into)
            if target is found or found.conversation_id != merged:
                raise refusal_of(now, merge)
            if target.conversation_id != into:
                raise CONVERSATION_MERGED(conversation=into, into=target.conversation_id)
            return Asked(merge, max(at, 1 + target.updated_at))
        case ConversationSplitRequested():
            return _split(now, found, command, at, context)
        case ConversationCloseRequested(outcome=outcome):
            _refuse_closed(found)
            return Asked(ConversationClosed(conversation_id=id, outcome=outcome), at)
    raise AssertionError(f"no such command: {command.event_type}")


def outcome(customer: Customer, event: Event) -> Outcome:
    """The answer to a command whose fact, ``event``, has taken effect: 201 for a message or a note, else 200;
    with how the conversation stands by now."""
    data = event.data
    goes_on = data.into if isinstance(data, (ConversationMerged, ConversationSplit)) else None
    found = course(customer.conversations).of(goes_on or vars(data)["conversation_id"])
    assert found is not None
    body: dict[str, Any] = {
        "conversation_id": found.conversation_id,
        "status": found.status,
        "handled_by": found.handled_by,
        "agent_id": found.agent_id,
    }
    if isinstance(data, ConversationAssigned):
        body["warnings"] = data.why.get("warnings", [])
    if isinstance(data, ConversationNoted):
        return Outcome(201, body | {"id": key_of(event.uid)})
    if not isinstance(data, InteractionLogged):
        return Outcome(200, body)
    sent = {"id": key_of(event.uid), "message_id": data.message_id, "channel": data.channel}
    return Outcome(201, body | sent)


def _without_none(kind: type[F], **told: object) -> F:
    return kind.model_validate({name: value for name, value in told.items() if value is not None})


def _split(
    now: Course, found: Conversation, command: ConversationSplitRequested, at: Micros, context: Context
) -> Asked:
    keys = {message.key for message in found.messages}
    for key in command.messages:
        if key not in keys:
            raise UNKNOWN_MESSAGE(message=key, conversation=found.conversation_id)
    into = context.new_id("conversation")
    if command.into is not None:
        target = _known(now, command.into)
        into, at = target.conversation_id, max(at, 1 + target.updated_at)
    messages = tuple(dict.fromkeys(command.messages))
    return Asked(ConversationSplit(conversation_id=found.conversation_id, into=into, messages=messages), at)


def _known(now: Course, conversation_id: str) -> Conversation:
    found = now.of(conversation_id)
    if found is None:
        raise UNKNOWN_CONVERSATION(conversation=conversation_id)
    return found


def _refuse_closed(found: Conversation) -> None:
    if found.status == "closed":
        raise CONVERSATION_CLOSED(conversation=found.conversation_id)
