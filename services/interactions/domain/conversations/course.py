"""What a customer's messages and steps make of each other: which belong together, and how each conversation
stands. A function of all that is known, taken by event time: right in whatever order it was heard."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from services.interactions.domain.conversations.conversation import Conversation
from services.interactions.domain.conversations.known import Conversations, ConversationStep, Message
from services.interactions.domain.conversations.messages import OWN, bare, names_of, one_line, topic_of
from shared.schemas.times import DAY, Micros

Refused: TypeAlias = Literal["cycle", "gone", "same"]

SAME_SUBJECT: Micros = 30 * DAY
"""How long after its last message a conversation goes on where another begins with its subject."""

_FACTS = (
    "woken", "merged", "split", "message", "escalated", "assigned", "returned", "snoozed", "closed",
    "complained", "settled",
)  # fmt: skip
_RANKS = {kind: rank for rank, kind in enumerate(_FACTS)}
"""Of two facts of one instant the earlier here comes first."""
_WOKEN = _RANKS["woken"]


@dataclass(slots=True)
class Course:
    """All of a customer's conversations."""

    open: dict[str, Conversation] = field(default_factory=dict)
    """Those that are not part of another, by id, closed ones too."""
    gone: dict[str, Conversation] = field(default_factory=dict)
    """Those that are part of another, as they stood then."""
    into: dict[str, str] = field(default_factory=dict)
    """A conversation that was merged -> the one that it was merged into, which may be part of another."""
    joined: dict[str, str] = field(default_factory=dict)
    """The conversation that a message would have begun -> the one that it goes on in."""
    homes: dict[str, str] = field(default_factory=dict)
    """A message's key -> its conversation."""
    refused: dict[str, Refused] = field(default_factory=dict)
    """The keys of merges that do not hold -> why: ``cycle``, ``gone``, or ``same``, as it was told before."""

    def survivor(self, conversation_id: str) -> str:
        """The conversation that goes on for it."""
        seen: list[str] = []
        while (following := self.into.get(conversation_id, self.joined.get(conversation_id))) is not None:
            seen.append(conversation_id)
            conversation_id = following
            if conversation_id in seen:  # only sources that make ids of ours can bring it about
                return min(seen[seen.index(conversation_id) :])
        return conversation_id

    def next_wake(self) -> Micros | None:
        """When the next that is snoozed comes back by itself."""
        snoozed = (one.snooze.until for one in self.open.values() if one.snooze is not None)
        return min((until for until in snoozed if until is not None), default=None)

    def of(self, conversation_id: str) -> Conversation | None:
        """The conversation that an id stands for."""
        return self.open.get(self.survivor(conversation_id))


def course(known: Conversations) -> Course:
    """In one pass by time; not to be changed by whoever asks."""
    for one, made in _latest:
        if one is known:
            return made
    made = _Reckoning(known).run()
    _latest.append((known, made))
    return made


def going_on(known: Conversations, subject: str, at: Micros) -> str | None:
    """The open conversation of a subject line, as of ``at``; of several the one in which it was used last."""
    topic = topic_of(one_line(subject) or "")
    if not topic:
        return None
    now = course(known)
    used = [
        (message.at, one.conversation_id)
        for one in now.open.values()
        if one.status != "closed" and one.messages and at - one.messages[-1].at <= SAME_SUBJECT
        for message in one.messages
        if message.subject is not None and topic_of(message.subject) == topic
    ]
    return max(used)[1] if used else None


def stands_in(known: Conversations, own: str) -> str | None:
    """Where a message is that would have begun the conversation ``own``; None for one that is not known."""
    now = course(known)
    home = now.homes.get(own.removeprefix(OWN))
    return None if home is None else now.survivor(home)


_latest: deque[tuple[Conversations, Course]] = deque(maxlen=2)
"""Those asked for last: who looks at what an event changed asks for what was before and after."""


class _Reckoning:
    def __init__(self, known: Conversations) -> None:
        self.known = known
        self.course = Course()
        self.by_time = sorted(known.messages, key=lambda m: (m.at, m.key))
        self.named = {bare(m.name): m for m in reversed(self.by_time) if m.name is not None}
        self.moved = _moves(known.steps)
        self.subjects: dict[str, list[Message]] = {}
        self.last: dict[str, Micros] = {}
        """Conversation -> its latest message so far."""

    def run(self) -> Course:
        facts: list[tuple[Micros, int, str, Message | ConversationStep]] = [
            *((m.at, _RANKS["message"], m.key, m) for m in self.known.messages),
            *((s.at, _RANKS[s.kind], s.key, s) for s in self.known.steps),
            *((s.until, _WOKEN, s.key, s) for s in self.known.steps if s.until and self._is_over(s.until)),
        ]
        for at, rank, _, fact in sorted(facts, key=lambda one: one[:3]):
            if isinstance(fact, Message):
                self._message(fact)
            elif rank == _WOKEN:
                self._wake(fact, at)
            elif fact.kind == "merged":
                self._merge(fact)
            elif fact.kind == "split":
                self._split(fact)
            else:
                self._at(fact.conversation_id, at).step(fact)
        self._gather()
        return self.course

    def _message(self, message: Message) -> None:
        home = self._home(message, frozenset())
        if home is None:
            return
        if message.subject is not None:
            self.subjects.setdefault(topic_of(message.subject), []).append(message)
        found = self._at(home, message.at)
        self.last[found.conversation_id] = message.at
        found.message(message)

    def _home(self, message: Message, asked: frozenset[str]) -> str | None:
        """Where it was moved to, or was told; else where what it answers is; else where its subject goes on;
        else a conversation of its own, if the customer began it."""
        homes = self.course.homes
        if message.key in homes:
            return homes[message.key]
        home = self.moved.get(message.key) or message.told or message.kept_in
        if home is None:
            home = self._answered(message, asked) or self._same_subject(message)
            own = OWN + message.key
            if home is None and message.inbound:
                home = own
            elif home is not None and home != own:
                self.course.joined[own] = home
        if home is not None:
            homes[message.key] = home
        return home

    def _answered(self, message: Message, asked: frozenset[str]) -> str | None:
        """Where the message is that it answers. One that stood alone is the beginning of a conversation."""
        parent = self._parent(message)
        if parent is None or parent.key in asked:
            return None
        home = self._home(parent, asked | {message.key})
        if home is None:
            home = self.course.homes[parent.key] = OWN + parent.key
            self._late(parent, home)
        return home

    def _parent(self, message: Message) -> Message | None:
        names = () if message.answers is None else names_of(message.answers)
        return next((self.named[name] for name in names if name in self.named), None)

    def _late(self, message: Message, home: str) -> None:
        """A message that stood alone until it was answered: it is older, so it comes first."""
        found = self._at(home, message.at)
        found.message(message)
        self.last.setdefault(found.conversation_id, message.at)

    def _same_subject(self, message: Message) -> str | None:
        topic = "" if message.subject is None else topic_of(message.subject)
        if not topic:
            return None
        for earlier in reversed(self.subjects.get(topic, [])):
            found = self.course.of(self.course.homes[earlier.key])
            if found is None or found.status == "closed":
                continue
            if message.at - self.last.get(found.conversation_id, 0) <= SAME_SUBJECT:
                return found.conversation_id
        return None

    def _merge(self, step: ConversationStep) -> None:
        course, target = self.course, _target(self.course, step)
        if target is None:
            return
        other = self._at(step.conversation_id, step.at)
        self._at(target, step.at).take_in(other, step.at)
        self.last[target] = max(self.last.get(target, 0), self.last.get(other.conversation_id, 0))
        course.gone[other.conversation_id] = course.open.pop(other.conversation_id)
        course.into[other.conversation_id] = target

    def _split(self, step: ConversationStep) -> None:
        """What people have, they have in both parts."""
        source, target = self.course.of(step.conversation_id), self.course.of(step.to or "")
        if source is not None and target is not None and source.silenced:
            target.hand_over(source, step.at)

    def _is_over(self, until: Micros) -> bool:
        return until <= self.known.awake_at

    def _wake(self, snooze: ConversationStep, at: Micros) -> None:
        """It comes back by itself, if nothing else has ended its rest."""
        found = self.course.of(snooze.conversation_id)
        if found is not None and found.snooze is snooze:
            found.updated_at = max(found.updated_at, at)
            found.wake(at)

    def _at(self, conversation_id: str, at: Micros) -> Conversation:
        """The conversation that a fact of a time is about, which it may begin."""
        survivor = self.course.survivor(conversation_id)
        found = self.course.open.get(survivor)
        if found is None:
            found = self.course.open[survivor] = Conversation(survivor, opened_at=at)
        found.updated_at = max(found.updated_at, at)
        return found

    def _gather(self) -> None:
        """Every message where it is by now."""
        course = self.course
        for id in [id for id in course.open if course.survivor(id) != id]:
            course.gone[id] = course.open.pop(id)
        for message in self.by_time:
            home = course.homes.get(message.key)
            found = None if home is None else course.of(home)
            if found is not None:
                found.messages.append(message)
                found.opened_at = min(found.opened_at, message.at)
                found.updated_at = max(found.updated_at, message.at)
        for gone in sorted(course.into):
            found = course.of(gone)
            if found is not None and found.conversation_id != gone:
                found.merged_from.append(gone)


def _target(course: Course, step: ConversationStep) -> str | None:
    """Where a merge leads; None, and a word in ``refused``, for one that is a circle, or of what is gone."""
    assert step.to is not None
    target = course.survivor(step.to)
    if step.conversation_id in course.into or step.conversation_id in course.joined:
        same = target == course.survivor(step.conversation_id)
        course.refused[step.key] = "same" if same else "gone"
    elif target == step.conversation_id:
        course.refused[step.key] = "cycle"
    else:
        return target
    return None


def _moves(steps: Iterable[ConversationStep]) -> dict[str, str]:
    """A message's key -> where it was moved to last."""
    moved: dict[str, str] = {}
    for step in sorted((s for s in steps if s.kind == "split"), key=lambda s: (s.at, s.key)):
        assert step.to is not None
        moved |= dict.fromkeys(step.messages, step.to)
    return moved
