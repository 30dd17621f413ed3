"""An export as its page tells it: of each part the latest, in words, and how many there are."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from services.interactions.export.gathering import Held
from shared.runtime.trail import AUDIT
from shared.schemas.customers import ConsentChanged
from shared.schemas.export import ConsentWord
from shared.schemas.times import moment

MOST = 1_000
"""Of each part that the page shows, the latest; the JSON has all."""

Row = Mapping[str, Any]


class Line(NamedTuple):
    """A row in words: ``at`` is RFC 3339, ``cells`` are what the columns after it say, ``more`` what can be
    unfolded."""

    at: str
    cells: tuple[str, ...]
    more: str = ""


@dataclass(slots=True)
class Part:
    """A part of the page."""

    id: str
    title: str
    columns: tuple[str, ...]
    line: Callable[[Held], Line]
    lines: list[Line] = field(default_factory=list)
    count: int = 0

    def add(self, held: Held) -> None:
        self.count += 1
        self.lines.append(self.line(held))
        if len(self.lines) > 2 * MOST:
            self.lines = self.latest()

    def latest(self) -> list[Line]:
        """The latest first."""
        return sorted(self.lines, reverse=True)[:MOST]


class Readable:
    """Takes the rows one by one; ``consents`` are all words on what is allowed."""

    def __init__(self) -> None:
        parts = [
            Part("complaints", "Complaints", ("opened", "what", "status", "by"), _complaint),
            Part("conversations", "Conversations", ("began", "what", "status", "by"), _conversation),
            Part("points", "Points", ("booked", "what", "points", "balance", "why"), _entry),
            Part("messages", "Messages to you", ("due", "what", "by", "became", "why"), _message),
            Part("timeline", "What happened", ("when", "what", "by", "told by"), _happened),
            Part("access", "Who read or changed it", ("when", "who", "what", "outcome"), _access),
        ]
        self.parts = {part.id: part for part in parts}
        self._of = {
            ("interactions", "complaints"): "complaints",
            ("interactions", "conversations"): "conversations",
            ("loyalty", "ledger"): "points",
            ("followup", "deliveries"): "messages",
            ("interactions", "timeline"): "timeline",
        }
        self._words: list[ConsentWord] = []

    def add(self, held: Held) -> None:
        id = "access" if held.collection == AUDIT.name else self._of.get((held.service, held.collection))
        if id is not None:
            self.parts[id].add(held)
        if id == "timeline" and held.row["type"] == ConsentChanged.event_type:
            self._words.append(_word(held.row))

    @property
    def consents(self) -> Sequence[ConsentWord]:
        """The first first."""
        return sorted(self._words, key=lambda word: word.time)


def _word(row: Row) -> ConsentWord:
    said = row["data"]
    return ConsentWord(
        time=moment(row["at"]),
        purpose=said["purpose"],
        channel=said["channel"],
        topic=said.get("topic"),
        granted=said["granted"],
        source=row["source"],
        evidence=said.get("evidence"),
        note=row.get("note"),
    )


def _time(at: object) -> str:
    """Of microseconds, or of a text that is a time already."""
    return moment(at).isoformat() if isinstance(at, int) else str(at or "")


def _words(*told: object) -> str:
    return " · ".join(str(one).replace("_", " ") for one in told if one)


def _complaint(held: Held) -> Line:
    row = held.row
    what = row["summary"] or row["complaint_id"]
    return Line(
        _time(row["opened_at"]),
        (what, _words(row["status"], row["category"], row["severity"]), row["channel"]),
    )


def _conversation(held: Held) -> Line:
    row = held.row
    status = _words(row["status"], "part of another" if row.get("into") else "")
    return Line(_time(row["opened_at"]), (row["conversation_id"], status, row.get("channel") or ""))


def _entry(held: Held) -> Line:
    row = held.row
    points = f"{row['points']:+,}"
    return Line(
        _time(row["booked_at"]), (row["kind"], points, f"{row['balance']:,}", row.get("reason") or "")
    )


def _message(held: Held) -> Line:
    row = held.row
    why = _words(row.get("reason"), row.get("error"), *(row.get("blocked_by") or ()))
    more = str(row.get("text") or "")
    what = row.get("subject") or _words(row["rule"])
    return Line(_time(row["due_at"]), (what, row["channel"], _words(row["status"]), why), more)


def _happened(held: Held) -> Line:
    row = held.row
    said = row["data"].get("text") or row["data"].get("description") or ""
    more = said if isinstance(said, str) and said not in row["summary"] else ""
    what = row["summary"] + (f" ({row['note']})" if row.get("note") else "")
    return Line(_time(row["at"]), (what, row.get("channel") or "", row["source"]), more)


def _access(held: Held) -> Line:
    row = held.row
    what = _words(row.get("method"), row.get("route"), held.service)
    return Line(
        _time(row.get("at")), (str(row.get("principal") or "nobody known"), what, str(row.get("outcome", "")))
    )


def shown_time(at: str | datetime) -> str:
    """To the minute, in UTC."""
    text = at if isinstance(at, str) else at.isoformat()
    return text[:16].replace("T", " ")
