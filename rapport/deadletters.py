"""Dead letters as data: what one says about itself, counts, and how it goes back."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from shared.schemas.envelope import CODES
from shared.schemas.topics import DEAD_LETTER_SUFFIX

FOR = "rapport-for"
REPLAYED = "rapport-replayed"
"""Header of the mark that a replay leaves in the dead-letter topic: the dead letter's id. Without it the
next replay would send the same one again, and whatever fails again would double each time."""

UNREADABLE: frozenset[str] = frozenset(CODES)
"""Reasons for which interactions dead-letters a record on behalf of all services: it goes back to all."""

Headers = Sequence[tuple[str, bytes]]


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One record of a ``.dlq`` topic."""

    id: str
    """Service and origin."""
    topic: str
    """Where the record came from, without ``.dlq``."""
    partition: int
    """The partition it came from."""
    service: str
    reason: str
    detail: str
    origin: str
    """``topic/partition/offset``."""
    failed_at: str
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    replayed: bool = False
    cut: str = ""
    """What was cut, as the record was too large: a sentence. It cannot go back. Empty: it is whole."""

    def excerpt(self, length: int = 120) -> str:
        """The start of the value, readable."""
        text = (self.value or b"").decode("utf-8", "backslashreplace")
        text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
        return text if len(text) <= length else text[: length - 1] + "…"

    def as_dict(self) -> dict[str, Any]:
        """For JSON: bytes as text, with what is not UTF-8 escaped."""
        plain = asdict(self)
        for name in ("key", "value"):
            data = plain[name]
            plain[name] = None if data is None else data.decode("utf-8", "backslashreplace")
        plain["headers"] = [[n, v.decode("utf-8", "backslashreplace")] for n, v in self.headers]
        return plain


def parse(topic: str, partition: int, key: bytes | None, value: bytes | None, headers: Headers) -> DeadLetter:
    """A dead letter from a record of ``topic`` (with its suffix); unknown fields read ``?``."""
    said = {name: data.decode("utf-8", "replace") for name, data in headers}
    origin = said.get("rapport-origin", "?")
    service = said.get("rapport-service", "?")
    came_from = origin.split("/")
    return DeadLetter(
        id=said.get("rapport-dead-letter-id") or f"{service}/{origin}",
        topic=topic.removesuffix(DEAD_LETTER_SUFFIX),
        partition=int(came_from[1]) if len(came_from) == 3 and came_from[1].isdigit() else partition,
        service=service,
        reason=said.get("rapport-error", "?"),
        detail=said.get("rapport-error-detail", ""),
        origin=origin,
        failed_at=said.get("rapport-failed-at", "?"),
        key=key,
        value=value,
        headers=tuple(headers),
        cut=_cut(said),
    )


def _cut(said: dict[str, str]) -> str:
    parts = [part for part in said.get("rapport-cut", "").split(",") if part]
    each = [
        f"its {part} had {said.get(f'rapport-cut-{part}-length', '?')} bytes, "
        f"SHA-256 {said.get(f'rapport-cut-{part}-sha256', '?')}"
        for part in parts
    ]
    return f"Too large to be kept whole: {'; '.join(each)}." if parts else ""


def mark(dead_letter: DeadLetter) -> list[tuple[str, bytes]]:
    """The headers of the record that says that this dead letter was replayed."""
    return [
        *((n, v) for n, v in dead_letter.headers if n.startswith("rapport-")),
        (REPLAYED, dead_letter.id.encode()),
    ]


def marked(headers: Headers) -> str | None:
    """The id of the dead letter that a mark is about; None for a dead letter."""
    return next((value.decode() for name, value in headers if name == REPLAYED), None)


def original_headers(dead_letter: DeadLetter) -> list[tuple[str, bytes]]:
    """The headers to send a dead letter back with: its own, and whom it is for unless it is for all."""
    kept = [(name, value) for name, value in dead_letter.headers if not name.startswith("rapport-")]
    return kept if dead_letter.reason in UNREADABLE else [*kept, (FOR, dead_letter.service.encode())]


def matching(dead_letters: Iterable[DeadLetter], reason: str | None, service: str | None) -> list[DeadLetter]:
    """Those with this reason and service; None means any."""
    return [
        dead_letter
        for dead_letter in dead_letters
        if reason in (None, dead_letter.reason) and service in (None, dead_letter.service)
    ]


def counts(dead_letters: Iterable[DeadLetter]) -> list[tuple[str, str, str, int, int]]:
    """(topic, service, reason, waiting, replayed), sorted."""
    waiting: Counter[tuple[str, str, str]] = Counter()
    replayed: Counter[tuple[str, str, str]] = Counter()
    for dead_letter in dead_letters:
        (replayed if dead_letter.replayed else waiting)[
            (dead_letter.topic, dead_letter.service, dead_letter.reason)
        ] += 1
    return [(*what, waiting[what], replayed[what]) for what in sorted({*waiting, *replayed})]


def to_json(dead_letters: Iterable[DeadLetter]) -> str:
    return json.dumps([dead_letter.as_dict() for dead_letter in dead_letters])
