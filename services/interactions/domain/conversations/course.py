"""What a customer's messages and steps make of each other: which belong together, and how each conversation
stands. A function of all that is known, taken by event time: right in whatever order it was heard."""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, TypeAlias

from services.interactions.domain.conversations.known import Conversations, ConversationStep, Message
from services.interactions.domain.conversations.messages import OWN, bare, names_of, topic_of
from shared.schemas.times import DAY, Micros

Status: TypeAlias = Literal["queued", "assigned", "waiting", "closed"]
HandledBy: TypeAlias = Literal["bot", "queue", "agent"]

SAME_SUBJECT: Micros = 30 * DAY
"""How long after its last message a conversation goes on where another begins with its subject."""

_RANKS = {"merged": 0, "split": 1, "message": 2, "escalated": 3, "assigned": 4, "returned": 5, "closed": 6}
"""Of two facts of one instant the earlier here comes first."""


class Turn(NamedTuple):
    """What clocks ask of a message."""

    at: Micros
    kind: Literal["inbound", "answered"]
    """The customer wrote, or an agent did."""


@dataclass(slots=True)
class Conversation:
    """A conversation as it stands."""

    conversation_id: str
    status: Status = "queued"
    handled_by: HandledBy = "queue"
    agent_id: str | None = None
    team: str | None = None
    priority: str | None = None
    silenced: bool = False
    """It was handed to people: bots are silent until it is given back to them."""
    opened_at: Micros = 0
    updated_at: Micros = 0
    closed_at: Micros | None = None
    channel: str | None = None
    """By which the customer wrote last."""
    ends: list[tuple[Micros, bool]] = field(default_factory=list)
    """When it was closed (True) and opened again."""
    messages: list[Message] = field(default_factory=list)
    """By time."""
    merged_from: list[str] = field(default_factory=list)

    def message(self, message: Message) -> None:
        """One more, as of its time."""
        if message.by == "customer":
            self.channel = message.channel
            self._goes_on(message.at)
            self.status = "queued" if self.handled_by == "queue" else "assigned"
        elif message.by == "agent":
            self._goes_on(message.at)
            if self.handled_by != "agent":
                self.handled_by, self.agent_id, self.silenced = "agent", message.agent_id, True
            self.status = "waiting"
        elif message.by == "bot" and not self.silenced and self.status != "closed":
            self.handled_by, self.status = "bot", "waiting"

    def step(self, step: ConversationStep) -> None:
        """A step that is about it alone."""
        if step.kind == "closed":
            if self.status != "closed":
                self.ends.append((step.at, True))
            self.status, self.closed_at = "closed", step.at
            return
        self._goes_on(step.at)
        if step.kind == "escalated":
            self.handled_by, self.status, self.agent_id, self.silenced = "queue", "queued", None, True
            self.team, self.priority = step.team or self.team, step.priority or self.priority
        elif step.kind == "assigned":
            self.handled_by, self.status, self.agent_id, self.silenced = "agent", "assigned", step.to, True
        elif step.to == "bot":
            self.handled_by, self.status, self.agent_id, self.silenced = "bot", "assigned", None, False
        else:
            self.handled_by, self.status, self.agent_id, self.silenced = "queue", "queued", None, True

    def take_in(self, other: "Conversation", at: Micros) -> None:
        """``other`` is part of it from now on; where that alone is open, it goes on as that did."""
        if self.status == "closed" and other.status != "closed":
            self._goes_on(at)
            self.status, self.handled_by, self.agent_id = other.status, other.handled_by, other.agent_id
        self.silenced = self.silenced or other.silenced
        self.team, self.priority = self.team or other.team, self.priority or other.priority
        self.channel = self.channel or other.channel

    def _goes_on(self, at: Micros) -> None:
        """Where it was closed it is open again: in the queue, or with the bot that had it."""
        if self.status != "closed":
            return
        self.ends.append((at, False))
        self.closed_at, self.agent_id = None, None
        self.handled_by = "bot" if self.handled_by == "bot" and not self.silenced else "queue"

    def turns(self) -> tuple[Turn, ...]:
        """What was said by the customer and by agents, by time."""
        said: Mapping[str, Literal["inbound", "answered"]] = {"customer": "inbound", "agent": "answered"}
        return tuple(Turn(m.at, said[m.by]) for m in self.messages if m.by in said)


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
    refused: dict[str, str] = field(default_factory=dict)
    """The keys of merges that do not hold -> why: ``cycle``, or ``gone``."""

    def survivor(self, conversation_id: str) -> str:
        """The conversation that goes on for it."""
        seen: list[str] = []
        while (following := self.into.get(conversation_id, self.joined.get(conversation_id))) is not None:
            seen.append(conversation_id)
            conversation_id = following
            if conversation_id in seen:  # only sources that make ids of ours can bring it about
                return min(seen[seen.index(conversation_id) :])
        return conversation_id

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
        ]
        for at, _, _, fact in sorted(facts, key=lambda one: one[:3]):
            if isinstance(fact, Message):
                self._message(fact)
            elif fact.kind == "merged":
                self._merge(fact)
            elif fact.kind != "split":
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
            if (found := course.of(gone)) is not None:
                found.merged_from.append(gone)


def _target(course: Course, step: ConversationStep) -> str | None:
    """Where a merge leads; None, and a word in ``refused``, for one that is a circle, or of what is gone."""
    assert step.to is not None
    target = course.survivor(step.to)
    if step.conversation_id in course.into:
        course.refused[step.key] = "gone"
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
