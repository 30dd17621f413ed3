"""A conversation's facts that are no messages, as they are kept."""

from services.interactions.domain.conversations.known import ConversationStep
from services.interactions.domain.conversations.messages import key_of
from shared.schemas.base import Data
from shared.schemas.event import Event
from shared.schemas.interactions import (
    ConversationAssigned,
    ConversationClosed,
    ConversationEscalated,
    ConversationMerged,
    ConversationReturned,
    ConversationSnoozed,
    ConversationSplit,
)
from shared.schemas.times import Micros, micros

REASON_LENGTH = 200
"""So much of a reason is kept beside the timeline."""

AWAY = "Its agent is not at work any more."
"""Why a conversation is given back whose agent went home."""
MAX_SKILLS = 20
"""Of an escalation, that are kept."""

STEP_TYPES: tuple[type[Data], ...] = (
    ConversationEscalated,
    ConversationAssigned,
    ConversationReturned,
    ConversationSnoozed,
    ConversationMerged,
    ConversationSplit,
    ConversationClosed,
)


def step_of(event: Event, at: Micros) -> ConversationStep:
    """The step that a fact is."""
    key = key_of(event.uid)
    match event.data:
        case ConversationEscalated(conversation_id=id) as told:
            return ConversationStep(
                key=key,
                at=at,
                kind="escalated",
                conversation_id=id,
                to=told.from_,
                team=told.team,
                priority=told.priority,
                reason=told.reason[:REASON_LENGTH],
                skills=told.skills[:MAX_SKILLS],
                preferred_skills=told.preferred_skills[:MAX_SKILLS],
                language=told.language,
            )
        case ConversationAssigned(conversation_id=id, agent_id=agent, manual=manual):
            return ConversationStep(
                key=key, at=at, kind="assigned", conversation_id=id, to=agent, manual=bool(manual)
            )
        case ConversationReturned(conversation_id=id, to=to, reason=why):
            return ConversationStep(
                key=key, at=at, kind="returned", conversation_id=id, to=to, away=why == AWAY
            )
        case ConversationSnoozed(conversation_id=id, until=until, reason=why):
            return ConversationStep(
                key=key,
                at=at,
                kind="snoozed",
                conversation_id=id,
                until=None if until is None else micros(until),
                reason=why[:REASON_LENGTH],
            )
        case ConversationMerged(conversation_id=id, into=into):
            return ConversationStep(key=key, at=at, kind="merged", conversation_id=id, to=into)
        case ConversationSplit(conversation_id=id, into=into, messages=messages):
            return ConversationStep(
                key=key, at=at, kind="split", conversation_id=id, to=into, messages=messages
            )
        case ConversationClosed(conversation_id=id):
            return ConversationStep(key=key, at=at, kind="closed", conversation_id=id)
    raise AssertionError(f"no step: {event.type}")
