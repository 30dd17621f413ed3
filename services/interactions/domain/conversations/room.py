"""How much of a customer's conversations is kept: what is over goes, the closed and the quiet first. What is
forgotten stays in the timeline."""

from collections.abc import Iterable

from services.interactions.domain.conversations.course import Conversation, course
from services.interactions.domain.conversations.known import Conversations
from services.interactions.domain.state import altered

MAX_MESSAGES = 500
"""Of a customer, in all."""
MAX_OF_ONE = 200
"""Messages of one conversation; beyond that those after the first ``FIRST`` make room."""
FIRST = 20
MAX_CONVERSATIONS = 100
MAX_STEPS = 300
BOUNDS = (MAX_MESSAGES, MAX_STEPS, MAX_CONVERSATIONS)
MAX_LOOSE = 50
"""Messages that belong to no conversation as yet."""


def with_room(known: Conversations, touched: str, kept: Iterable[str | None] = ()) -> Conversations:
    """``known`` within the bounds. The conversation ``touched`` stays; those ``kept`` go last."""
    while True:
        smaller = _smaller(known, touched, kept)
        if smaller is known:
            return known
        known = smaller


def _smaller(known: Conversations, touched: str, kept: Iterable[str | None]) -> Conversations:
    if len(known.messages) <= MAX_LOOSE and len(known.steps) <= MAX_LOOSE:
        return known  # no bound is less
    now = course(known)
    loose = [m for m in known.messages if m.key not in now.homes]
    if len(loose) > MAX_LOOSE:
        return _without(known, {loose[0].key})
    for one in now.open.values():
        if len(one.messages) > MAX_OF_ONE:
            return _less(known, one)
    sizes = len(known.messages), len(known.steps), len(now.open)
    if all(size <= most for size, most in zip(sizes, BOUNDS, strict=True)):
        return known
    # Merged ids are not counted: of a conversation that is made of many, steps are all that is left to drop.
    others = [one for one in now.open.values() if one.conversation_id != now.survivor(touched)]
    if not others:
        return altered(known, steps=known.steps[-MAX_STEPS:])
    last = {now.survivor(id) for id in kept if id is not None}

    def worth(one: Conversation) -> tuple[bool, bool, int, str]:
        return one.conversation_id in last, one.status != "closed", one.updated_at, one.conversation_id

    return _forgotten(known, min(others, key=worth))


def _forgotten(known: Conversations, gone: Conversation) -> Conversations:
    now, id = course(known), gone.conversation_id
    keys = {message.key for message in gone.messages}
    # What was moved out of it before is where it was moved to.
    left = (s for s in known.steps if now.survivor((s.kind == "split" and s.to) or s.conversation_id) != id)
    return altered(_without(known, keys), steps=tuple(left))


def _less(known: Conversations, one: Conversation) -> Conversations:
    """Without a message of one that is long; the others of it stay, though they may have come by that one."""
    keys, gone = {message.key for message in one.messages}, one.messages[FIRST].key
    kept = (
        altered(m, kept_in=one.conversation_id) if m.key in keys and m.told is None else m
        for m in known.messages
    )
    return _without(altered(known, messages=tuple(kept)), {gone})


def _without(known: Conversations, keys: set[str]) -> Conversations:
    return altered(known, messages=tuple(m for m in known.messages if m.key not in keys))
