"""One conversation as it stands: what its messages and steps do to it, told in the order of their times."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, TypeAlias

from services.interactions.domain.conversations.known import ConversationStep, Message
from shared.schemas.times import Micros

Status: TypeAlias = Literal["queued", "assigned", "waiting", "closed"]
"""Nobody has it; whoever has it owes an answer; we wrote last; it is over."""
HandledBy: TypeAlias = Literal["bot", "queue", "agent"]


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
    since: Micros = 0
    """Where it wants an agent: since when."""
    skills: tuple[str, ...] = ()
    preferred_skills: tuple[str, ...] = ()
    language: str | None = None
    """What was asked of the next agent at last."""
    knows: str | None = None
    """The agent who had it last."""
    gave_back: str | None = None
    """The agent who gave it back, and was not just going home."""
    assigned_at: Micros = 0
    """When an agent was given it last, the one who has it or another."""
    manual: bool = False
    """Its agent took it, or a person gave it to them."""
    sentiment: float | None = None
    """The customer's, as was told last."""
    opened_at: Micros = 0
    updated_at: Micros = 0
    closed_at: Micros | None = None
    channel: str | None = None
    """By which the customer wrote last."""
    said: tuple[Micros, bool] = (0, False)
    """When something was said last, and whether by us."""
    snooze: ConversationStep | None = None
    """What lets it rest."""
    escalation: ConversationStep | None = None
    """What handed it over last."""
    hushed: list[str] = field(default_factory=list)
    """Keys of what bots said though people had it."""
    complaints: dict[str, str] = field(default_factory=dict)
    """The status of each that names it."""
    closed_with_complaints: bool = False
    """They closed it, nobody else."""
    ends: list[tuple[Micros, bool]] = field(default_factory=list)
    """When it was closed (True) and opened again."""
    messages: list[Message] = field(default_factory=list)
    """By time."""
    merged_from: list[str] = field(default_factory=list)

    @property
    def wanted(self) -> bool:
        """It was handed to people, and nobody has it."""
        return self.silenced and self.status == "queued" and self.handled_by == "queue"

    def message(self, message: Message) -> None:
        """One more, as of its time."""
        waited = self.wanted
        self._message(message)
        self._since(waited, message.at)

    def step(self, step: ConversationStep) -> None:
        """A step that is about it alone."""
        waited = self.wanted
        self._step(step)
        self._since(waited, step.at)

    def _since(self, waited: bool, at: Micros) -> None:
        if self.wanted and not waited:
            self.since = at

    def _message(self, message: Message) -> None:
        if message.by == "customer":
            if message.sentiment is not None:
                self.sentiment = message.sentiment
            self.channel = message.channel
            self._goes_on(message.at)
            self.snooze = None
            self._was_said(message.at, ours=False)
        elif message.by == "agent":
            self._goes_on(message.at)
            if self.handled_by != "agent":
                self.handled_by, self.silenced = "agent", True
                self._had_by(message.agent_id, manual=True)
            self._was_said(message.at, ours=True)
        elif message.by == "bot" and self.silenced:
            self.hushed.append(message.key)
        elif message.by == "bot" and self.status != "closed":
            self.handled_by = "bot"
            self._was_said(message.at, ours=True)

    def _step(self, step: ConversationStep) -> None:
        if step.kind == "complained":
            self.channel = self.channel or step.to
            self._complaint(step, "opened")
        elif step.kind == "settled":
            self._complaint(step, step.to or "opened")
        elif step.kind == "closed":
            self._close(step.at)
            self.closed_with_complaints = False
        elif step.kind == "snoozed":
            self._rest(step)
        else:
            self._goes_on(step.at)
            self.snooze = None
            self._handed(step)

    def _handed(self, step: ConversationStep) -> None:
        """Somebody else has it."""
        if step.kind == "escalated":
            self._given_back()
            self.handled_by, self.status, self.agent_id, self.silenced = "queue", "queued", None, True
            self.escalation = step
            self.team, self.priority = step.team or self.team, step.priority or self.priority
            self.skills = step.skills or self.skills
            self.preferred_skills = step.preferred_skills or self.preferred_skills
            self.language = step.language or self.language
        elif step.kind == "assigned":
            self.handled_by, self.status, self.silenced = "agent", "assigned", True
            self._had_by(step.to, manual=step.manual)
            self.assigned_at = step.at
        elif step.to == "bot":
            self.handled_by, self.status, self.agent_id, self.silenced = "bot", "assigned", None, False
        else:
            if not step.away:
                self._given_back()
            self.handled_by, self.status, self.agent_id, self.silenced = "queue", "queued", None, True

    def _had_by(self, agent_id: str | None, *, manual: bool) -> None:
        self.agent_id, self.manual, self.gave_back = agent_id, manual, None
        self.knows = agent_id or self.knows

    def _given_back(self) -> None:
        self.gave_back = self.agent_id or self.gave_back

    def _close(self, at: Micros) -> None:
        if self.status != "closed":
            self.ends.append((at, True))
        self.status, self.closed_at, self.snooze = "closed", at, None

    def _rest(self, step: ConversationStep) -> None:
        """Nothing is to be done until its time, or until the customer writes."""
        over = step.until is not None and step.until <= step.at
        if self.status != "closed" and not over and self.said != (step.at, False):
            self.status, self.snooze = "waiting", step

    def wake(self, at: Micros) -> None:
        """Whoever has it has to do with it again."""
        waited = self.wanted
        self.snooze = None
        self._is_due()
        self._since(waited, at)

    def _is_due(self) -> None:
        self.status = "queued" if self.handled_by == "queue" else "assigned"

    def _complaint(self, step: ConversationStep, status: str) -> None:
        """It is over with its complaints, where nobody waits for an answer: once they are resolved, if
        nothing was said in it; once they are closed, if we wrote last. It is open again with one of them."""
        self.complaints[step.complaint_id or step.key] = status
        said, ours = self.said
        over = {"closed"} if said else {"resolved", "closed"}
        if not over.issuperset(self.complaints.values()):
            if self.closed_with_complaints:
                self._goes_on(step.at)
                self._is_due()
        elif self.status != "closed" and (ours or not said):
            self._close(step.at)
            self.closed_with_complaints = True

    def hand_over(self, source: "Conversation", at: Micros) -> None:
        """People have it, as they have ``source``, of which it was a part."""
        waited = self.wanted
        self.silenced = True
        self.team, self.priority = self.team or source.team, self.priority or source.priority
        self.escalation = self.escalation or source.escalation
        self.skills = self.skills or source.skills
        self.preferred_skills = self.preferred_skills or source.preferred_skills
        self.language = self.language or source.language
        self._leaves_its_bot()
        self._since(waited, at)

    def _leaves_its_bot(self) -> None:
        """Where a bot had it, which is silent now, it waits for people, and rests no longer."""
        if self.handled_by == "bot":
            self.handled_by = "queue"
            if self.status != "closed":
                self.status, self.snooze = "queued", None

    def take_in(self, other: "Conversation", at: Micros) -> None:
        """``other`` is part of it from now on. Where that alone is open it goes on as that did; whoever has
        one of two has both; what was said last, in either, says whose turn it is. A rest of whoever has it
        goes on, unless the customer waits in the other."""
        waited = self.wanted
        if other.status != "closed":
            alone = self.status == "closed"
            taken = alone or (self.handled_by != "agent" and other.handled_by == "agent")
            self._goes_on(at)
            last, mine = max(self.said, other.said), other if taken else self
            rest = mine.snooze if alone or last[1] or mine.said == last else None
            if taken:
                self.status, self.handled_by, self.agent_id = other.status, other.handled_by, other.agent_id
                self.manual = other.manual
            if not alone and (taken or other.said > self.said):
                self._was_said(*last)
            self.snooze, self.status = rest, self.status if rest is None else "waiting"
        self.said = max(self.said, other.said)
        self.silenced = self.silenced or other.silenced
        if self.silenced:
            self._leaves_its_bot()
        self.team, self.priority = self.team or other.team, self.priority or other.priority
        self.channel = self.channel or other.channel
        self.escalation = self.escalation or other.escalation
        self.hushed += other.hushed
        self.complaints |= other.complaints
        self.skills = self.skills or other.skills
        self.preferred_skills = self.preferred_skills or other.preferred_skills
        self.language, self.knows = self.language or other.language, self.knows or other.knows
        self.sentiment = other.sentiment if self.sentiment is None else self.sentiment
        waits = [one.since for one, was in ((self, waited), (other, other.wanted)) if was]
        self.since = min(waits, default=at)

    def _was_said(self, at: Micros, ours: bool) -> None:
        self.said = (at, ours)
        if self.handled_by == "queue":
            self.status = "queued"
        else:
            self.status = "waiting" if ours else "assigned"

    def _goes_on(self, at: Micros) -> None:
        """Where it was closed it is open again: in the queue, or with the bot that had it."""
        if self.status != "closed":
            return
        self.ends.append((at, False))
        self.closed_at, self.agent_id, self.closed_with_complaints = None, None, False
        self.handled_by = "bot" if self.handled_by == "bot" and not self.silenced else "queue"

    def turns(self) -> tuple[Turn, ...]:
        """What was said by the customer and by agents, by time."""
        said: Mapping[str, Literal["inbound", "answered"]] = {"customer": "inbound", "agent": "answered"}
        return tuple(Turn(m.at, said[m.by]) for m in self.messages if m.by in said)
