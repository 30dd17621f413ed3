"""Every Prometheus metric of the platform, each declared once with its meaning; and the logs."""

import json
import logging
import sys
from typing import Any, get_args

import structlog
from prometheus_client import Counter, Gauge, Histogram

from shared.runtime.settings import Settings
from shared.runtime.version import VERSION
from shared.runtime.words import quiet_arguments, trace, words
from shared.schemas.envelope import Code

BUILD = Gauge("rapport_build_info", "1, with the version that runs here.", ["service", "version"])
EVENTS = Counter(
    "rapport_events_total",
    "Records and timers handled. result: applied (took effect), duplicate (its id was seen before), "
    "redelivered (the same record again after a crash), skipped (a type, source or partition that is not "
    "this service's business), forwarded (sent on to the partition of its key), dead_lettered, "
    "refused (a command that the domain said no to), erased (it is about somebody who was erased, without "
    "effect).",
    ["service", "type", "result"],
)
EVENTS_ERASED = Counter(
    "rapport_events_erased_total",
    "Events and commands about somebody who was erased: they had no effect.",
    ["service"],
)
ERASURES_BEGUN = Counter(
    "rapport_erasures_begun_total",
    "States that were erased: rows, and what the journal has of them, are still to go.",
    ["service"],
)
ERASURES_COMPLETED = Counter(
    "rapport_erasures_completed_total", "Erasures of which nothing is left to do here.", ["service"]
)
ERASURES_DOCUMENTS = Counter(
    "rapport_erasures_documents_total",
    "Rows and journal entries that erasures removed or emptied.",
    ["service"],
)
ERASURES_OPEN = Gauge("rapport_erasures_open", "Erasures of which something is left to do here.", ["service"])
BATCH_SIZE = Histogram(
    "rapport_batch_size",
    "Records and timers in a batch.",
    ["service"],
    buckets=(1, 2, 5, 10, 20, 50, 100, 200, 300, 400, 500),
)
BATCH_SECONDS = Histogram(
    "rapport_batch_seconds",
    "Seconds a batch spends in a stage: decode, load (states from the store), apply (the domain), "
    "transaction, publish, commit (offsets); total is all but decode and commit.",
    ["service", "stage"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
LAG_RECORDS = Gauge(
    "rapport_lag_records",
    "Records in a partition that have not taken effect here: not fetched yet, or waiting in memory.",
    ["service", "topic", "partition"],
)
LAG_SECONDS = Gauge(
    "rapport_lag_seconds",
    "Event time: now minus the time of the oldest event that is not handled yet; 0 when caught up.",
    ["service"],
)
DEAD_LETTERS = Counter(
    "rapport_dead_letters_total", "Records written to a dead-letter topic, by reason.", ["service", "reason"]
)
JOURNAL_DUPLICATES = Counter(
    "rapport_journal_duplicates_total",
    "Events that memory or the journal knew as handled before.",
    ["service"],
)
TIMERS_FIRED = Counter("rapport_timers_fired_total", "Timers fired.", ["service"])
TIMERS_DUE = Gauge("rapport_timers_due", "Timers that are due and have not fired.", ["service"])
TIMERS_LATE_SECONDS = Histogram(
    "rapport_timers_late_seconds",
    "Seconds between the time a timer was due and its firing, by the service's own clock.",
    ["service"],
    buckets=(0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 86400),
)
RETRIES = Counter(
    "rapport_retries_total",
    "Attempts repeated because a dependency (kafka, mongo, smtp, webhook) failed.",
    ["service", "dependency"],
)
EVENTS_AHEAD = Counter(
    "rapport_events_ahead_total",
    "Events whose time was more than five minutes ahead of the wall clock as they were counted: a producer's "
    "clock is wrong. They count at their time and close nothing early; past 24 hours they are dead letters.",
    ["service"],
)
PARTITIONS_HELD = Gauge("rapport_partitions_held", "Partitions this worker is assigned.", ["service"])
STANDBY = Gauge(
    "rapport_standby",
    "1 while a worker has no partition, as others hold them all: it takes over when one of them stops; "
    "0 otherwise.",
    ["service"],
)
TAKEOVERS = Counter(
    "rapport_takeovers_total",
    "Partitions that a worker took over, each under an epoch of its own: when workers come and go, and again "
    "after an outage or a fence.",
    ["service"],
)
FENCED = Counter(
    "rapport_fenced_total",
    "Times that a worker was kept from writing, as another had taken its partition over under a newer epoch.",
    ["service"],
)
MEMORY_LIMIT_BYTES = Gauge(
    "rapport_memory_limit_bytes", "What a worker may keep in memory of events and states.", ["service"]
)
MEMORY_BYTES = Gauge(
    "rapport_memory_bytes",
    "What a worker keeps in memory, as it is estimated. kind: fetching and sending (set aside for what "
    "Kafka's clients hold), queued (records that wait), batch (those being handled), states and customers "
    "(kept warm), unwritten (metrics' customers since the last write), recent (ids of events handled).",
    ["service", "kind"],
)
FETCH_PAUSES = Counter(
    "rapport_fetch_pauses_total",
    "Times a partition of a topic was found to have as much waiting as there is room for; what the client "
    "had fetched ahead of it is fetched again.",
    ["service"],
)
HTTP_SECONDS = Histogram(
    "rapport_http_request_seconds",
    "Seconds to answer an HTTP request, by the route's template ('unmatched' where there is none).",
    ["service", "method", "route", "status"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
COMMANDS = Counter(
    "rapport_commands_total",
    "Commands an API sent. result: answered, refused, repeated (its key was answered before), "
    "pending (no outcome in time, 202), mismatch (its key was used for something else).",
    ["service", "route", "result"],
)
RATE_LIMITED = Counter(
    "rapport_rate_limited_total",
    "Requests refused as their caller's budget was used up. key: the key's name, or token.",
    ["service", "key"],
)
ADMIN_ACTIONS = Counter(
    "rapport_admin_actions_total",
    "Requests that used the scope admin, refused ones too. outcome: done, pending, refused, failed.",
    ["service", "route", "outcome"],
)
AUDIT_LOST = Counter(
    "rapport_audit_lost_total",
    "Entries of the audit trail that were not written: the store was away for too long, or at the end.",
    ["service"],
)

_ALWAYS = (
    EVENTS_ERASED,
    ERASURES_BEGUN,
    ERASURES_COMPLETED,
    ERASURES_DOCUMENTS,
    ERASURES_OPEN,
    JOURNAL_DUPLICATES,
    TIMERS_FIRED,
    FETCH_PAUSES,
    TAKEOVERS,
    FENCED,
    PARTITIONS_HELD,
    STANDBY,
)


def begin(service: str) -> None:
    """A worker's counters at 0, as far as their labels are known: a first dead letter or retry then is a step
    from 0, which ``increase()`` sees, and a panel shows 0 and not nothing."""
    for metric in _ALWAYS:
        metric.labels(service)
    for reason in get_args(Code):
        DEAD_LETTERS.labels(service, reason)
    for dependency in ("kafka", "mongo"):
        RETRIES.labels(service, dependency)


_QUIET = {
    "httpx": logging.WARNING,  # the address of each request, with its query
    "librdkafka": logging.WARNING,
    "mail": logging.ERROR,  # each line that a client says, addresses included
    "python_multipart": logging.ERROR,  # headers of a form's parts
    "faust": logging.WARNING,
    "mode": logging.WARNING,
    "kafka": logging.WARNING,
    "pymongo": logging.WARNING,
    "asyncio": logging.WARNING,
    "aiohttp.access": logging.WARNING,
    "uvicorn": logging.WARNING,
    "uvicorn.access": logging.ERROR,
    "uvicorn.error": logging.WARNING,
}


def tell_version(service: str) -> None:
    """In the metrics of this process."""
    BUILD.labels(service, VERSION).set(1)


def configure_logging(settings: Settings, service: str) -> None:
    """One JSON object per line on stdout, from structlog and from the standard library's loggers.

    What is bound with ``structlog.contextvars`` (``event_id``, ``request_id``, ``trace_id``) is on each
    line. Calling it again replaces what the first call set up. Errors are told by
    ``shared.runtime.words``: nothing that somebody sent stands in a log.
    """

    def quiet(record: logging.LogRecord) -> bool:
        record.args = quiet_arguments(record.args)
        return True

    def add_service(_: Any, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        event.setdefault("service", service)
        return event

    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        add_service,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        _quiet_errors,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        # Not cached: modules make their loggers at import, before this runs.
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.addFilter(quiet)
    handler.setFormatter(
        _Formatter(
            foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder()],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                lambda _, __, event: _as_json(event),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level)
    logging.getLogger("rapport.audit").setLevel(logging.INFO)  # whatever else is silenced
    for name, level in _QUIET.items():
        logger = logging.getLogger(name)
        # Some of them bring a handler of their own, and would then write each line twice.
        logger.handlers.clear()
        logger.propagate = True
        logger.setLevel(max(level, root.level))


_as_json = json.JSONEncoder(ensure_ascii=False, default=str).encode


class _Formatter(structlog.stdlib.ProcessorFormatter):
    """A line of structlog's has been through all steps but the last as it comes here: taking it apart and
    copying it once more, as the base does for other formatters' sake, is a third of what a line costs."""

    def format(self, record: logging.LogRecord) -> str:
        if isinstance(record.msg, dict) and hasattr(record, "_name"):
            return _as_json(record.msg)
        return super().format(record)


def _quiet_errors(_: Any, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Errors and tracebacks as text; of asyncio's own lines the first, as the others show the errors."""
    told = event.pop("exc_info", None)
    if isinstance(told, tuple):
        told = told[1]
    elif told and not isinstance(told, BaseException):
        told = sys.exception()
    if isinstance(told, BaseException):
        event["exception"] = trace(told)
    for name, value in event.items():
        if isinstance(value, BaseException):
            event[name] = words(value)
    if event.get("logger") == "asyncio":
        event["event"] = str(event["event"]).partition("\n")[0]
    return event
