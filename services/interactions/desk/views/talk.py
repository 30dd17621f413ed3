"""A conversation as a page shows it: what was said, day by day. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import groupby
from typing import Any, Literal, TypeAlias
from zoneinfo import ZoneInfo

from services.interactions.models.conversations import MessageView

By: TypeAlias = Literal["customer", "agent", "bot", "note", "system"]


@dataclass(frozen=True, slots=True)
class File:
    """A file that came with a message; ``url`` where a browser may go there."""

    name: str
    type: str
    size: int
    url: str | None


@dataclass(frozen=True, slots=True)
class Line:
    """Something said. ``mine``: by the agent who looks at it."""

    id: str
    time: datetime
    by: By
    agent_id: str | None
    mine: bool
    channel: str | None
    subject: str | None
    text: str
    files: tuple[File, ...]
    quoted: str
    """What an e-mail quotes of earlier ones; mostly nothing."""
    sent_from: str | None
    """An address that is not known as the customer's."""
    silenced: bool
    """A bot said it though people had the conversation: it was never sent."""


@dataclass(frozen=True, slots=True)
class Day:
    """What was said on a day, the first first."""

    day: date
    at: datetime
    """A time of that day."""
    lines: tuple[Line, ...]


def days(messages: Sequence[MessageView], agent_id: str, where: ZoneInfo) -> tuple[Day, ...]:
    """``messages``: the latest first, as the API answers them; days are those of the reader. A subject is
    shown where it changes."""
    lines = [_line(message, agent_id) for message in reversed(messages)]
    shown = [_without_subject(one, before) for one, before in zip(lines, [None, *lines], strict=False)]
    grouped = groupby(shown, key=lambda one: one.time.astimezone(where).date())
    return tuple(
        Day(day, those[0].time, those) for day, those in ((day, tuple(found)) for day, found in grouped)
    )


def _line(message: MessageView, agent_id: str) -> Line:
    by = _by(message)
    return Line(
        id=message.id,
        time=message.time,
        by=by,
        agent_id=message.agent_id,
        mine=by in ("agent", "note") and message.agent_id == agent_id,
        channel=message.channel,
        subject=message.subject,
        text=(message.text or message.summary).strip(),
        files=tuple(_file(one) for one in message.attachments),
        quoted=(message.quoted or "").strip(),
        sent_from=message.sent_from,
        silenced=message.silenced,
    )


def _by(message: MessageView) -> By:
    if message.note:
        return "note"
    match message.author:
        case "customer" | "agent" | "bot":
            return message.author
        case _:
            return "customer" if message.direction == "inbound" else "system"


def _without_subject(line: Line, before: Line | None) -> Line:
    same = before is not None and _bare(before.subject) == _bare(line.subject)
    return replace(line, subject=None) if same else line


def _bare(subject: str | None) -> str:
    text = (subject or "").casefold().strip()
    for mark in ("re:", "aw:", "fwd:"):
        text = text.removeprefix(mark).strip()
    return text


def _file(told: dict[str, Any]) -> File:
    url = str(told.get("url") or "")
    size = told.get("size")
    return File(
        name=str(told.get("name") or "?")[:200],
        type=str(told.get("type") or ""),
        size=size if isinstance(size, int) else 0,
        url=url if url.startswith("https://") else None,
    )
