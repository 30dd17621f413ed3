"""Events that take no effect: why, what the caller of a command is told, and their dead letters. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.domain import RefusedError
from shared.kafka.publisher import Record
from shared.worker.dead_letters import dead_letter_of, written_anew
from shared.worker.processing import COMMANDS, Message

BUG, UNSTORABLE = "unhandled", "store"
"""Codes of dead letters that are ours to mend; the others are a domain's own."""
API_SOURCES = "/api/"
"""What the sources of commands begin with that an API sends, and waits for."""
_TOLD = {
    BUG: ("internal", "Something broke here."),
    UNSTORABLE: ("unstorable", "The store cannot keep what this would change."),
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an event takes no effect. The same record read again is refused by the same words."""

    code: str
    """Stable, for programs."""
    detail: str
    failed_at: datetime
    """The wall clock, in whole milliseconds."""

    @property
    def answer(self) -> Mapping[str, Any]:
        """The outcome's body for the caller of a command, where the fault is ours."""
        code, sentence = _TOLD[self.code]
        kept = "The request is kept, and may be handled once that is mended."
        return {"code": code, "detail": f"{sentence} {kept}", "field": None}


@dataclass(frozen=True, slots=True)
class Rejected:
    """An event that becomes a dead letter: a fact that the domain refuses, whatever meets a bug of ours, and
    what the store cannot keep."""

    message: Message
    refusal: Refusal

    @property
    def awaited(self) -> bool:
        """Whether a caller of ours waits for what becomes of it; what services ask of each other, nobody
        waits for."""
        event = self.message.event
        return event.data.topic == COMMANDS and event.source.startswith(API_SOURCES)


def said(refusal: RefusedError) -> dict[str, str | None]:
    """The outcome's body for the caller of a command that is refused."""
    return {"code": refusal.code, "detail": refusal.detail, "field": refusal.field}


def dead_letter(service: str, rejected: Rejected) -> Record:
    """Its dead letter, the same each time."""
    message, refusal = rejected.message, rejected.refusal
    original, origin, topic = message.raw, message.origin, None
    if message.event.been and message.event.data.topic != COMMANDS:
        # Of a fact that was relayed: as the survivor is told it, so that it can go back, or be put right,
        # like any other of its topic.
        topic = message.event.data.topic
        _, original = written_anew(message.event, origin)
    elif original is None:
        origin, original = written_anew(message.event, origin)
    return dead_letter_of(
        service,
        origin,
        original,
        code=refusal.code,
        detail=refusal.detail,
        failed_at=refusal.failed_at,
        topic=topic,
        about=message.event.data.others(),
    )
