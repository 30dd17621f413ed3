"""The topics Rapport needs, and how a cluster's differ from them: data and pure functions."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from rapport.trouble import TroubleError
from shared.runtime.environment import PREFIX
from shared.schemas.topics import DEAD_LETTER_SUFFIX, TOPICS

DEFAULT_PARTITIONS = 4
DAY_MS = 24 * 3600 * 1000
LONGEST_DAYS = 36_500
SEGMENTS = 30
"""Of a partition, at least, in the time that it is kept."""
RECORD_LIMIT = 2 * 1024 * 1024
"""Bytes of a record: an event of 1 MiB, its headers, and those that a dead letter adds."""

CLOCK = "clock"
LAST_TO_GROW = CLOCK + DEAD_LETTER_SUFFIX
"""Grown once all that had to move is copied: as long as it has fewer partitions than the others, growing is
not finished. Hardly anything is ever written to it."""
NAMES_NOBODY = frozenset({"purchases", "loyalty", CLOCK})
"""Topics of ids and amounts alone; all others have contact data or free text, dead letters anything."""


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic as wanted or as found."""

    name: str
    partitions: int
    configs: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Difference:
    topic: str
    what: str
    """``missing``, ``partitions`` or a topic setting."""
    wanted: str
    found: str


@dataclass(frozen=True, slots=True)
class Retention:
    """Days that records are kept from their arrival on. What says who somebody is, or what they said, is gone
    within a month: an erasure is complete then, without a log rewritten."""

    personal: int = 30
    """Of contact data, free text and dead letters."""
    amounts: int = 400
    """Of ids and amounts: a year can be compared with the one before."""

    @staticmethod
    def variable(topic: str) -> str:
        """What says how long a topic is kept."""
        return f"{PREFIX}RETENTION_{'AMOUNTS' if topic in NAMES_NOBODY else 'PERSONAL'}_DAYS"

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> "Retention":
        """``RAPPORT_RETENTION_PERSONAL_DAYS`` and ``RAPPORT_RETENTION_AMOUNTS_DAYS``. Raises TroubleError,
        which names the variable."""
        told = {
            name: environ.get(f"{PREFIX}RETENTION_{name.upper()}_DAYS") for name in ("personal", "amounts")
        }
        for name, text in told.items():
            if text and not (text.isascii() and text.isdigit() and 1 <= int(text) <= LONGEST_DAYS):
                raise TroubleError(
                    f"{PREFIX}RETENTION_{name.upper()}_DAYS is {text[:20]!r}: give days, 1 to {LONGEST_DAYS}."
                )
        return cls(**{name: int(text) for name, text in told.items() if text})

    def days(self, topic: str) -> int:
        return self.amounts if topic in NAMES_NOBODY else self.personal


def wanted(partitions: int, retention: Retention | None = None) -> tuple[Topic, ...]:
    """Every topic and its dead-letter topic, all with as many partitions: partition p of each is with
    the same worker. Without a retention it is what the environment says."""
    kept = retention or Retention.of(os.environ)
    return tuple(
        Topic(topic, partitions, _configs(kept.days(topic) * DAY_MS))
        for name in TOPICS
        for topic in (name, name + DEAD_LETTER_SUFFIX)
    )


def _configs(retention_ms: int) -> dict[str, str]:
    return {
        "cleanup.policy": "delete",
        # Retention counts from arrival: a client may stamp a replayed record with its event's old time.
        "message.timestamp.type": "LogAppendTime",
        "retention.ms": str(retention_ms),
        # Whole segments are deleted: none outlasts the retention by more than a thirtieth.
        "segment.ms": str(retention_ms // SEGMENTS),
        "max.message.bytes": str(RECORD_LIMIT),
    }


@dataclass(frozen=True, slots=True)
class Growth:
    """From so many partitions of every topic to so many."""

    before: int
    after: int
    resumed: bool = False
    """It was begun by an earlier command, which did not finish."""


def growth_to(count: int, found: Mapping[str, Topic]) -> Growth | None:
    """What is to be done so that every topic has so many partitions; None if they have. Raises
    ``ValueError``: another growth is unfinished, or there would be fewer."""
    larger = sorted(name for name, topic in found.items() if topic.partitions > count)
    begun = {topic.partitions for name, topic in found.items() if name != LAST_TO_GROW}
    last = found.get(LAST_TO_GROW)
    if last is not None and begun and last.partitions < max(begun) != count:
        raise ValueError(
            f"Growing to {max(begun)} partitions is not finished: `rapport topics grow {max(begun)}` first."
        )
    if larger:
        raise ValueError(f"{', '.join(larger)} have more than {count} partitions, and topics cannot shrink.")
    before = min((topic.partitions for topic in found.values()), default=count)
    return Growth(before, count, resumed=count in begun) if before < count else None


def settled_partitions(found: Mapping[str, Topic], asked: int | None, default: int) -> int:
    """How many partitions a topic that is still missing gets: as asked, else as many as the others have
    (grown topics stay grown), else the default."""
    if asked is not None:
        return asked
    return max((topic.partitions for topic in found.values()), default=default)


def differences(wanted: tuple[Topic, ...], found: Mapping[str, Topic]) -> list[Difference]:
    """What ``topics apply`` and ``topics grow`` would change, in the order of ``wanted``."""
    result: list[Difference] = []
    for topic in wanted:
        actual = found.get(topic.name)
        if actual is None:
            result.append(Difference(topic.name, "missing", f"{topic.partitions} partitions", "no topic"))
            continue
        if actual.partitions != topic.partitions:
            result.append(Difference(topic.name, "partitions", str(topic.partitions), str(actual.partitions)))
        for name, value in topic.configs.items():
            if actual.configs.get(name) != value:
                result.append(Difference(topic.name, name, value, actual.configs.get(name, "-")))
    return result
