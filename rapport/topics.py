"""The topics Rapport needs, and how a cluster's differ from them: data and pure functions."""

from collections.abc import Mapping
from dataclasses import dataclass

from shared.schemas.topics import DEAD_LETTER_SUFFIX, TOPICS

DEFAULT_PARTITIONS = 4
YEAR_MS = 365 * 24 * 3600 * 1000
FOR_EVER = -1
RECORD_LIMIT = 2 * 1024 * 1024
"""Bytes of a record: an event of 1 MiB, its headers, and those that a dead letter adds."""

CLOCK = "clock"
LAST_TO_GROW = CLOCK + DEAD_LETTER_SUFFIX
"""Grown once all that had to move is copied: as long as it has fewer partitions than the others, growing is
not finished. Hardly anything is ever written to it."""
_KEPT_FOR_EVER = frozenset({"customers"})


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


def wanted(partitions: int) -> tuple[Topic, ...]:
    """Every topic and its dead-letter topic, all with as many partitions: partition p of each is with
    the same worker."""
    return tuple(
        topic
        for name in TOPICS
        for topic in (
            Topic(name, partitions, _configs(FOR_EVER if name in _KEPT_FOR_EVER else YEAR_MS)),
            Topic(name + DEAD_LETTER_SUFFIX, partitions, _configs(FOR_EVER)),
        )
    )


def _configs(retention_ms: int) -> dict[str, str]:
    return {
        "cleanup.policy": "delete",
        # Retention counts from arrival: a client may stamp a replayed record with its event's old time.
        "message.timestamp.type": "LogAppendTime",
        "retention.ms": str(retention_ms),
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
