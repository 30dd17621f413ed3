"""Conversations as one customer's record keeps them: whatever is heard first, it ends in the same.

Kept are turns (the customer wrote, an agent answered), since the clocks of complaints go by them, where a
conversation is, and whether an agent has it. A message that names no conversation is none of it.
"""

from bisect import insort
from collections.abc import Iterator
from contextlib import contextmanager

from services.metrics.domain import answers
from services.metrics.domain.cells import Delta
from services.metrics.domain.state import Complaint, Customer, Ids, Talk
from services.metrics.domain.tracked import Tracked
from services.metrics.domain.turns import LEFT, TAKEN, home, homes, kind_of, where_of_talk
from shared.schemas.event import Event
from shared.schemas.interactions import (
    ConversationAssigned,
    ConversationClosed,
    ConversationEscalated,
    ConversationMerged,
    ConversationReturned,
    InteractionLogged,
)
from shared.schemas.times import Micros

MOST_TURNS = 300
MOST_MERGES = 200
"""The most that are kept of one conversation, and of one customer: those heard first."""


def logged(tracked: Tracked, event: Event, at: Micros, now: Micros, delta: Delta, id: int) -> Ids:
    """A contact in a conversation: a turn, and where the conversation is."""
    data = event.data
    assert isinstance(data, InteractionLogged)
    if data.conversation_id is None:
        return (id,)
    talk, kind = _talk(tracked.data, data.conversation_id, at, now), kind_of(data)
    first = not talk.channel or (at, data.channel) < (talk.began, talk.channel)
    turn = None if kind is None or len(talk.turns) >= MOST_TURNS else (at, kind)
    if turn in talk.turns:
        turn = None
    if first or turn is not None:
        with _changing(tracked, [data.conversation_id], delta):
            if first:
                talk.began, talk.channel = at, data.channel
            if turn is not None:
                insort(talk.turns, turn)
    return (id,)


def handed(tracked: Tracked, event: Event, at: Micros, now: Micros, delta: Delta, id: int) -> Ids:
    """A conversation is handed to people, taken by an agent, given back, or over."""
    data = event.data
    assert isinstance(
        data, ConversationEscalated | ConversationAssigned | ConversationReturned | ConversationClosed
    )
    talk = _talk(tracked.data, data.conversation_id, at, now)
    with _changing(tracked, [data.conversation_id], delta):
        team = getattr(data, "team", None)
        if team is not None and (at, team) > (talk.team_at, talk.team):
            talk.team_at, talk.team = at, team
        step = (at, TAKEN if isinstance(data, ConversationAssigned) else LEFT)
        told = isinstance(data, ConversationEscalated) or step in talk.hands
        if not told and len(talk.hands) < MOST_TURNS:
            insort(talk.hands, step)
    return (id,)


def merged(tracked: Tracked, event: Event, at: Micros, now: Micros, delta: Delta, id: int) -> Ids:
    """Two conversations are one from now on. Its id is not to be known: one that holds nothing is a dead
    letter of interactions, and may be put right; told again it changes nothing."""
    data = event.data
    assert isinstance(data, ConversationMerged)
    record, merge = tracked.data, (at, data.conversation_id, data.into)
    if merge in record.merges or len(record.merges) >= MOST_MERGES:
        return ()
    talk = _talk(record, data.conversation_id, at, now)
    known = [*record.talks, *(complaint.conversation for complaint in record.complaints.values())]
    with _changing(tracked, [*dict.fromkeys(known)], delta):
        record.merges.append(merge)
        if (at, LEFT) not in talk.hands:
            insort(talk.hands, (at, LEFT))
    return ()


def _talk(record: Customer, name: str, at: Micros, now: Micros) -> Talk:
    talk = record.talks.get(name)
    if talk is None:
        talk = record.talks[name] = Talk()
    talk.latest = max(talk.latest, min(at, now))
    return talk


@contextmanager
def _changing(tracked: Tracked, names: list[str], delta: Delta) -> Iterator[None]:
    """Takes back what these conversations count as, with the complaints in them; when they are changed,
    counts it anew, and the answers about them."""
    record = tracked.data
    talks = [record.talks[name] for name in names if name in record.talks]
    complaints = _complaints_in(record, names)
    for talk in talks:
        tracked.count_talk(delta, talk, -1)
    for complaint in complaints.values():
        tracked.count_complaint(delta, complaint, -1)
    yield
    for complaint in complaints.values():
        complaint.team = where_of_talk(record, complaint.conversation).team
        tracked.count_complaint(delta, complaint)
    for talk in talks:
        tracked.count_talk(delta, talk)
    if record.answers:
        for name in _together(record, names):
            answers.moved(tracked, "conversation", name, delta)
        for name in complaints:
            answers.moved(tracked, "complaint", name, delta)


def _together(record: Customer, names: list[str]) -> list[str]:
    """With the conversations that are one with these."""
    if not record.merges:
        return names
    found = homes(record.merges)
    ends = {home(found, name) for name in names}
    return [*dict.fromkeys([*names, *(name for name in record.talks if home(found, name) in ends)])]


def _complaints_in(record: Customer, names: list[str]) -> dict[str, Complaint]:
    if not record.complaints:
        return {}
    found = _together(record, names) if record.merges else names
    return {name: c for name, c in record.complaints.items() if c.conversation in found}
