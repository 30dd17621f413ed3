"""Dead letters: records for ``<topic>.dlq``, with the reason in their headers."""

from datetime import datetime

from shared.kafka.clients import KafkaRecord, Record
from shared.runtime import telemetry
from shared.schemas.codec import encode
from shared.schemas.event import Event
from shared.worker.processing import COMMANDS, TIMER_TOPIC, Origin


def dead_letter_of(
    service: str,
    origin: Origin,
    original: Record | KafkaRecord,
    *,
    code: str,
    detail: str,
    failed_at: datetime,
) -> Record:
    """The record as it came, with the reason in its headers, for ``<topic>.dlq``. Pure."""
    kept = tuple((name, value) for name, value in original.headers if not name.startswith("rapport-"))
    reason = {
        "rapport-dead-letter-id": f"{service}/{origin.text}",
        "rapport-service": service,
        "rapport-error": code,
        "rapport-error-detail": detail[:1000],
        "rapport-origin": origin.text,
        "rapport-failed-at": failed_at.isoformat(),
    }
    headers = kept + tuple((name, text.encode()) for name, text in reason.items())
    return Record(f"{origin.topic}.dlq", original.key, original.value, headers, origin.partition)


def dead_letter(
    service: str,
    origin: Origin,
    original: Record | KafkaRecord,
    *,
    code: str,
    detail: str,
    failed_at: datetime,
) -> Record:
    """``dead_letter_of``, and counted: for one that is about to be published."""
    telemetry.DEAD_LETTERS.labels(service, code).inc()
    return dead_letter_of(service, origin, original, code=code, detail=detail, failed_at=failed_at)


def written_anew(event: Event, origin: Origin) -> tuple[Origin, Record]:
    """What a dead letter is made of where the record that came is not at hand: its place and the event in
    structured mode. A timer of our own was never a record: it goes where commands go."""
    if origin.topic == TIMER_TOPIC:
        origin = Origin(COMMANDS, 0, -1)
    value, headers = encode(event)
    return origin, Record(origin.topic, event.subject.encode(), value, tuple(headers))
