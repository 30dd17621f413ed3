"""How much of a customer's conversations is kept: what is over goes, the closed and the quiet first. What is
forgotten stays in the timeline."""

from services.interactions.domain.conversations.course import Conversation, course
from services.interactions.domain.conversations.known import Conversations

MAX_MESSAGES = 500
"""Of a customer, in all."""
MAX_OF_ONE = 200
"""Messages of one conversation; beyond that those after the first ``FIRST`` make room."""
FIRST = 20
MAX_CONVERSATIONS = 100
MAX_STEPS = 300
MAX_LOOSE = 50
"""Messages that belong to no conversation as yet."""


def with_room(known: Conversations, touched: str | None = None) -> Conversations:
    """``known`` within the bounds; the conversation ``touched`` stays."""
    while True:
        smaller = _smaller(known, touched)
        if smaller is known:
            return known
        known = smaller


def _smaller(known: Conversations, touched: str | None) -> Conversations:
    if len(known.messages) <= MAX_LOOSE and len(known.steps) <= MAX_LOOSE:
        return known  # no bound is less
    now = course(known)
    loose = [m for m in known.messages if m.key not in now.homes]
    if len(loose) > MAX_LOOSE:
        return _without(known, {loose[0].key})
    for one in now.open.values():
        if len(one.messages) > MAX_OF_ONE:
            return _without(known, {one.messages[FIRST].key})
    over = (
        len(known.messages) > MAX_MESSAGES
        or len(known.steps) > MAX_STEPS
        or len(now.open) > MAX_CONVERSATIONS
    )
    keep = None if touched is None else now.survivor(touched)
    others = [one for one in now.open.values() if one.conversation_id != keep]
    if not over:
        return known
    if not others:
        return known.model_copy(update={"steps": known.steps[-MAX_STEPS:]})
    return _forgotten(known, min(others, key=_worth))


def _worth(one: Conversation) -> tuple[bool, int, str]:
    return one.status != "closed", one.updated_at, one.conversation_id


def _forgotten(known: Conversations, gone: Conversation) -> Conversations:
    ids = {gone.conversation_id, *gone.merged_from}
    return Conversations(
        messages=_without(known, {m.key for m in gone.messages}).messages,
        steps=tuple(s for s in known.steps if s.conversation_id not in ids),
    )


def _without(known: Conversations, keys: set[str]) -> Conversations:
    return known.model_copy(update={"messages": tuple(m for m in known.messages if m.key not in keys)})
