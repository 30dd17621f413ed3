"""A batch's events take effect in memory; one that the domain fails on, or the store refuses, goes aside."""

from collections import Counter
from collections.abc import Callable, Sequence, Set
from datetime import datetime, timedelta
from time import perf_counter

import structlog

from services.metrics.journal import SERVICE
from services.metrics.journal.partition import Partition
from shared.kafka.publisher import Record
from shared.runtime import telemetry
from shared.runtime.words import words
from shared.schemas.times import Micros
from shared.worker import faults
from shared.worker.dead_letters import dead_letter, written_anew
from shared.worker.processing import COMMANDS, Message
from shared.worker.retry import about_document

log = structlog.get_logger(__name__)


AHEAD = timedelta(minutes=5)
"""A clock that is so far ahead is wrong."""
_EVENTS_AHEAD = telemetry.EVENTS_AHEAD.labels(SERVICE)  # at 0, so that the first one is a step


class PoisonError(Exception):
    """An event that cannot be counted."""

    def __init__(self, message: Message) -> None:
        super().__init__(message.event.uid)
        self.message = message


def apply_all(
    part: Partition,
    fresh: Sequence[tuple[Message, int]],
    now: Callable[[Message], Micros],
    seen: Set[int],
    wall: datetime,
) -> None:
    """Let all take effect, with no await between. ``fresh``: messages and their hashes; ``seen``: those that
    are known not to be new. Raises ``PoisonError``."""
    started, too_far = perf_counter(), wall + AHEAD
    results: Counter[tuple[str, str]] = Counter()
    ahead: Counter[str] = Counter()
    for message, h in fresh:
        try:
            result = part.apply(message.event, h, now(message), seen)
        except Exception as error:  # a bug in the domain: the event goes aside with its reason
            raise PoisonError(message) from error
        results[message.event.type, result] += 1
        if message.event.time > too_far and result == "applied":
            ahead[message.event.source] += 1
    faults.point("mid_batch")
    for (kind, outcome), n in results.items():
        telemetry.EVENTS.labels(SERVICE, kind, outcome).inc(n)
        if outcome == "duplicate":
            telemetry.JOURNAL_DUPLICATES.labels(SERVICE).inc(n)
        if outcome == "erased":
            telemetry.EVENTS_ERASED.labels(SERVICE).inc(n)
    for source, n in ahead.items():
        _EVENTS_AHEAD.inc(n)
        log.warning("a clock runs ahead", source=source, events=n)
    telemetry.BATCH_SECONDS.labels(SERVICE, "apply").observe(perf_counter() - started)


def aside(message: Message, cause: BaseException | None, failed_at: datetime) -> Record | None:
    """Its dead letter, said in the log; None for one that is no record."""
    detail = "" if cause is None else words(cause)
    refused = isinstance(cause, Exception) and about_document(cause)
    bug = None if refused else cause
    log.error("event cannot be counted", event_id=message.event.uid, error=detail, exc_info=bug)
    event, original, topic = message.event, message.raw, None
    if original is None:
        return None
    if event.been and event.data.topic != COMMANDS:
        # As the survivor is told it, so that it can go back like any other of its topic.
        topic = event.data.topic
        _, original = written_anew(event, message.origin)
    code = "store" if refused else "internal"
    return dead_letter(
        SERVICE, message.origin, original, code=code, detail=detail, failed_at=failed_at, topic=topic
    )
