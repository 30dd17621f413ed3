"""What a batch that took effect counts as."""

from collections.abc import Mapping
from datetime import datetime

import structlog

from shared.domain import S
from shared.journal.documents import Journalled
from shared.journal.plan import Entry, Plan
from shared.journal.refusals import BUG, UNSTORABLE
from shared.runtime import telemetry
from shared.worker.processing import COMMANDS, TIMER_TOPIC

log = structlog.get_logger(__name__)


def count(service: str, plan: Plan[S], known: Mapping[str, Journalled], now: datetime) -> None:
    """Count a plan that is written and published, once. ``known`` is what the journal had of its
    repeated events; of those it is not asked about, memory knew."""
    for entry in plan.entries:
        telemetry.EVENTS.labels(service, entry.event.type, _result(entry)).inc()
        if entry.skipped:
            telemetry.EVENTS_ERASED.labels(service).inc()
        if entry.origin.topic == TIMER_TOPIC:
            telemetry.TIMERS_FIRED.labels(service).inc()
            late = (now - entry.event.time).total_seconds()
            telemetry.TIMERS_LATE_SECONDS.labels(service).observe(max(0.0, late))
    if plan.erased:
        telemetry.ERASURES_BEGUN.labels(service).inc(len(plan.erased))
    for message in plan.repeated:
        before = known.get(message.event.uid)
        if before is not None:
            result = "redelivered" if before.origin == message.origin else "duplicate"
            telemetry.EVENTS.labels(service, message.event.type, result).inc()
        telemetry.JOURNAL_DUPLICATES.labels(service).inc()
    for rejected in plan.rejected:
        refusal = rejected.refusal
        tell = log.error if refusal.code in (BUG, UNSTORABLE) else log.warning
        tell("dead letter", event_id=rejected.message.event.uid, code=refusal.code, detail=refusal.detail)
        telemetry.DEAD_LETTERS.labels(service, refusal.code).inc()
    for retract in plan.retracted:
        log.warning("dead letter", event_id=retract.event.uid, code=retract.code, detail=retract.reason)
        telemetry.DEAD_LETTERS.labels(service, retract.code).inc()


def _result(entry: Entry) -> str:
    if entry.refusal is not None:
        return "dead_lettered"
    if entry.skipped:
        return "erased"
    refused = entry.event.data.topic == COMMANDS and (entry.status or 0) >= 400
    return "refused" if refused else "applied"
