"""Tells messages and steps of conversations."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from services.interactions.domain.conversations.conversation import Conversation
from services.interactions.domain.conversations.course import Course, course
from services.interactions.domain.conversations.known import Conversations, ConversationStep, Message
from services.interactions.domain.conversations.messages import message_of
from services.interactions.domain.conversations.steps import step_of
from shared.journal.testing import InMemoryWorker
from shared.schemas.base import Data
from shared.schemas.complaints import ComplaintOpened
from shared.schemas.event import Event
from shared.schemas.interactions import (
    ConversationAssigned,
    ConversationClosed,
    ConversationEscalated,
    ConversationMerged,
    ConversationNoted,
    ConversationReturned,
    ConversationSnoozed,
    ConversationSplit,
    InteractionLogged,
)
from shared.schemas.times import micros

from .told import HANDLER, START, at, event


def says(text: str = "hello", **fields: Any) -> InteractionLogged:
    """The customer writes."""
    given = {"channel": "email", "direction": "inbound", "kind": "message", "summary": text, **fields}
    return InteractionLogged.model_validate(given)


def answers(text: str = "we look", author: str | None = "agent", **fields: Any) -> InteractionLogged:
    """We write."""
    return says(text, direction="outbound", author=author, **fields)


def escalated(id: str, **fields: Any) -> ConversationEscalated:
    return ConversationEscalated.model_validate(
        {"conversation_id": id, "from": "bot", "reason": "angry", **fields}
    )


def assigned(id: str, agent: str = "a-1") -> ConversationAssigned:
    return ConversationAssigned(conversation_id=id, agent_id=agent)


def returned(id: str, to: Any) -> ConversationReturned:
    return ConversationReturned(conversation_id=id, to=to, reason="not mine")


def merged(id: str, into: str) -> ConversationMerged:
    return ConversationMerged(conversation_id=id, into=into)


def split(id: str, into: str, *messages: str) -> ConversationSplit:
    return ConversationSplit(conversation_id=id, into=into, messages=messages)


def closed(id: str) -> ConversationClosed:
    return ConversationClosed(conversation_id=id, outcome="solved")


def noted(id: str, text: str = "Be gentle.", agent: str = "a-1") -> ConversationNoted:
    return ConversationNoted(conversation_id=id, agent_id=agent, text=text)


def snoozed(id: str, until: float | None = None) -> ConversationSnoozed:
    """Until so many minutes after the start."""
    given = {} if until is None else {"until": at(until)}
    return ConversationSnoozed.model_validate({"conversation_id": id, "reason": "parcel", **given})


def complained(id: str, channel: str = "email", complaint: str = "x-1") -> ComplaintOpened:
    """A complaint that names the conversation."""
    said = {"complaint_id": complaint, "category": "price", "severity": "high", "description": "Too dear."}
    return ComplaintOpened.model_validate({"conversation_id": id, "channel": channel, **said})


def story(*facts: tuple[float, Data]) -> list[Event]:
    """Events at these minutes, named by their place."""
    return [event(data, f"e-{n}", minutes) for n, (minutes, data) in enumerate(facts)]


def worker_of(events: Iterable[Event]) -> InMemoryWorker[Any]:
    worker = InMemoryWorker(HANDLER, now=START + timedelta(days=1))
    for told in events:
        worker.send(told)
    return worker


def course_of(events: Iterable[Event]) -> Course:
    """What these come to, heard in this order."""
    messages, steps = list[Message](), list[ConversationStep]()
    for told in events:
        if isinstance(told.data, InteractionLogged):
            messages += [m for m in [message_of(told, micros(told.time))] if m is not None]
        else:
            steps.append(step_of(told, micros(told.time)))
    return course(Conversations(messages=tuple(messages), steps=tuple(steps)))


def one(events: Iterable[Event]) -> Conversation:
    """The only conversation that there is."""
    (found,) = course_of(events).open.values()
    return found
