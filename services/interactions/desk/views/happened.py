"""A line of the timeline: what kind of thing happened, and the words and numbers that its event told. The
line itself is put together by the template, in the reader's language."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from services.interactions.domain.rows import TimelineRow
from shared.schemas.times import moment
from shared.schemas.topics import TOPICS

GROUPS: Mapping[str, tuple[str, ...]] = {
    "contacts": ("interactions",),
    "complaints": ("complaints",),
    "purchases": ("purchases",),
    "loyalty": ("loyalty",),
    "messages": ("outreach",),
    "feedback": ("feedback",),
    "profile": ("customers",),
    "insights": ("insights",),
}
"""What a timeline can be narrowed to -> the topics of it."""

_TEXTS = ("description", "message", "resolution", "comment", "text", "summary", "reason", "outcome", "goal")
"""Fields that hold what somebody said, the most telling first."""
_NAMES = (
    "into", "from", "order_id", "return_id", "plan", "product_id", "sku", "tier", "to", "rule", "agent_id",
    "reward_id", "referred_customer", "theme", "purpose",
)  # fmt: skip
"""Fields that name something, each with its own label in the template."""
_MONEY = ("total", "refund", "price", "money", "spend_needed")


@dataclass(frozen=True, slots=True)
class Happened:
    """``kind`` is the type without what all types have in common: ``purchase.made``; ``what`` is that, or
    what tells two things of one type apart: ``interaction.inbound``, ``consent.withdrawn``."""

    kind: str
    what: str
    group: str
    """One of ``GROUPS``."""
    at: datetime
    channel: str | None
    text: str | None
    """What somebody said, as it was told: plain text."""
    names: tuple[tuple[str, str], ...]
    """Field and value."""
    money: Mapping[str, Any] | None
    points: int | None
    score: int | None
    survey: str | None
    clock: str | None
    inbound: bool | None
    """Of a message: whether the customer wrote it."""
    granted: bool | None
    """Of a word on consent."""
    severity: str | None
    reason: str | None
    """Why a message did not go, as outreach names it."""
    conversation_id: str | None
    complaint_id: str | None
    note: str | None
    """Why it has no effect, or not all of it."""
    id: str
    source: str
    place: str


def types_of(group: str | None) -> tuple[str, ...]:
    """The event types of a group; none for all, or for a group that there is not."""
    return tuple(cls.event_type for topic in GROUPS.get(group or "", ()) for cls in TOPICS[topic])


def happened(row: TimelineRow) -> Happened:
    told = json.loads(row.data)
    kind = row.type.removeprefix("rapport.").rpartition(".v")[0]
    dropped = kind in ("outreach.suppressed", "outreach.cancelled")
    text = None if dropped else next((told[f] for f in _TEXTS if _is_text(told.get(f))), None)
    return Happened(
        kind=kind,
        what=_what(kind, told),
        group=_GROUP_OF.get(row.type, "contacts"),
        at=moment(row.at),
        channel=row.channel,
        text=text,
        names=tuple((f, told[f]) for f in _NAMES if _is_text(told.get(f))),
        money=next((told[f] for f in _MONEY if isinstance(told.get(f), dict)), None),
        points=_whole(told.get("points")),
        score=_whole(told.get("score", told.get("rating"))),
        survey=told.get("survey"),
        clock=told.get("clock"),
        inbound=told["direction"] == "inbound" if "direction" in told else None,
        granted=told.get("granted"),
        severity=told.get("severity"),
        reason=told.get("reason") if dropped else None,
        conversation_id=row.conversation_id,
        complaint_id=row.complaint_id,
        note=row.note,
        id=row.id,
        source=row.source,
        place=row.place,
    )


def _what(kind: str, told: Mapping[str, Any]) -> str:
    if kind == "interaction.logged":
        return f"interaction.{told['direction']}"
    if kind == "consent.changed":
        return "consent.granted" if told["granted"] else "consent.withdrawn"
    return kind


@dataclass(frozen=True, slots=True)
class Notices:
    """What the clocks of one complaint told with nothing else between: one line for all of it."""

    complaint_id: str | None
    at: datetime
    """Of the latest."""
    whats: tuple[str, ...]
    """What they told, each once, the gravest first."""
    clocks: tuple[str, ...]
    lines: tuple[Happened, ...]
    """The latest first."""


_GRAVITY = (
    "complaint.escalated",
    "complaint.sla_breached",
    "complaint.sla_warned",
    "complaint.sla_met",
)


def story(rows: Sequence[TimelineRow]) -> tuple[Happened, ...]:
    return tuple(happened(row) for row in rows)


def folded(lines: Sequence[Happened]) -> tuple[Happened | Notices, ...]:
    """The lines, in which notices of clocks that follow each other are one a complaint."""
    found: list[Happened | Notices] = []
    for told, lines_on in groupby(lines, key=lambda line: line.kind in _GRAVITY):
        run = [*lines_on]
        found += _notices(run) if told else run
    return tuple(found)


def _notices(run: Iterable[Happened]) -> Iterator[Happened | Notices]:
    of: dict[str | None, list[Happened]] = {}
    for line in run:
        of.setdefault(line.complaint_id, []).append(line)
    for complaint_id, lines in of.items():
        if len(lines) == 1:
            yield lines[0]
            continue
        kinds = {line.kind for line in lines}
        clocks = dict.fromkeys(line.clock for line in lines if line.clock is not None)
        whats = tuple(kind for kind in _GRAVITY if kind in kinds)
        yield Notices(complaint_id, lines[0].at, whats, tuple(clocks), tuple(lines))


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) else None


_GROUP_OF = {kind: group for group in GROUPS for kind in types_of(group)}
