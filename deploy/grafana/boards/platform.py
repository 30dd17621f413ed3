"""How the platform runs: throughput, lag, batches, failures, timers, partitions, saturation, HTTP."""

from deploy.grafana.declared import meaning
from deploy.grafana.figures import Board, Choice, Figure, Row
from deploy.grafana.promql import NONE, SPAN, legend, quantile, rate
from deploy.grafana.usual import counted, figure

OF = '{service=~"$service"}'
EVENTS = "rapport_events_total"
BATCH = "rapport_batch_seconds"
LAG = "rapport_lag_seconds"
RECORDS = "rapport_lag_records"
WAITS = "rapport_erasure_waiting_seconds"
LATE = "rapport_timers_late_seconds"
MEMORY, LIMIT = "rapport_memory_bytes", "rapport_memory_limit_bytes"
HTTP = "rapport_http_request_seconds"


def board() -> Board:
    return Board(
        uid="rapport-platform",
        title="Rapport: platform",
        meaning="Whether events are handled, how fast, and what stands in the way.",
        rows=(
            Row("Throughput", _throughput()),
            Row("Lag", _lag()),
            Row("Batches", _batches()),
            Row("What goes wrong", _failures()),
            Row("Timers", _timers()),
            Row("Partitions", _partitions()),
            Row("Saturation", _saturation()),
            Row("HTTP", _http()),
        ),
        choices=(Choice("service", "rapport_partitions_held", "Service"),),
        marks={"Alerts": 'ALERTS{alertstate="firing", severity="critical"}'},
    )


def _of(title: str, metric: str, unit: str, expr: str, by: str = "service", runbook: str = "") -> Figure:
    return figure(title, metric, unit, (expr, by), runbook=runbook)


def _counted(title: str, metric: str, by: str = "service", runbook: str = "") -> Figure:
    return counted(title, metric, by, OF, runbook=runbook)


def _held(title: str, metric: str, how: str, by: str = "service", runbook: str = "") -> Figure:
    unit = {"seconds": "s", "bytes": "bytes"}.get(metric.rpartition("_")[2], "short")
    return _of(title, metric, unit, f"{how} by ({by}) ({metric}{OF})", by, runbook)


def _throughput() -> tuple[Figure, ...]:
    size = "rapport_batch_size"
    return (
        _of("Records and timers", EVENTS, "ops", rate(EVENTS, "service", OF)),
        _of("By what became of them", EVENTS, "ops", rate(EVENTS, "result", OF), "result"),
        _of("Records in a batch, p50", size, "short", quantile(0.5, size, "service", OF)),
    )


def _lag() -> tuple[Figure, ...]:
    return (
        _held("Seconds behind", LAG, "max", runbook="RapportLagGrows"),
        _held("Records behind", RECORDS, "sum", by="service, topic", runbook="RapportStuck"),
    )


def _batches() -> tuple[Figure, ...]:
    by = "service, stage"
    return (
        _of("Seconds spent each second", BATCH, "s", rate(f"{BATCH}_sum", by, OF), by),
        _of("Seconds of a batch, p99", BATCH, "s", quantile(0.99, BATCH, by, OF), by),
    )


def _failures() -> tuple[Figure, ...]:
    return (
        _counted("Dead letters", "rapport_dead_letters_total", "service, reason", "RapportDeadLetters"),
        _counted("Retries", "rapport_retries_total", "service, dependency", "RapportDependencyAway"),
        _counted("Duplicates", "rapport_journal_duplicates_total"),
        _counted("Clocks ahead", "rapport_events_ahead_total", runbook="RapportClockAhead"),
        _counted("About the erased", "rapport_events_erased_total"),
        _counted("Erasures begun", "rapport_erasures_begun_total"),
        _counted("Erasures completed", "rapport_erasures_completed_total"),
        _counted("Removed by erasures", "rapport_erasures_documents_total"),
        _held("Erasures under way", "rapport_erasures_open", "sum"),
        _of("Erasures wait for", WAITS, "s", f"max by (service) ({WAITS})", runbook="RapportErasureWaits"),
        counted("Webhooks", "rapport_hooks_total", "hook, result"),
    )


def _timers() -> tuple[Figure, ...]:
    fired = "rapport_timers_fired_total"
    late = quantile(0.99, LATE, "service", OF)
    return (
        _held("Timers due", "rapport_timers_due", "max", runbook="RapportTimersLate"),
        _of("Timers late, p99", LATE, "s", late, runbook="RapportTimersLate"),
        _of("Timers fired", fired, "ops", rate(fired, "service", OF)),
    )


def _partitions() -> tuple[Figure, ...]:
    return (
        _held("Partitions held", "rapport_partitions_held", "sum", runbook="RapportNobodyReads"),
        _held("Workers that stand by", "rapport_standby", "sum"),
        _counted("Epoch takeovers", "rapport_takeovers_total"),
        _counted("Fences", "rapport_fenced_total", runbook="RapportFenced"),
    )


def _saturation() -> tuple[Figure, ...]:
    process = "service, instance"
    worker = f"on (instance) group_left (service) (rapport_partitions_held{OF} >= bool 0)"
    share = f"sum by ({process}) ({MEMORY}{OF}) / max by ({process}) ({LIMIT}{OF})"
    return (
        _held("Processes, by version", "rapport_build_info", "count", by="service, version"),
        Figure(
            title="Processor time of workers",
            meaning="Seconds that a worker's process computes each second; one core is all that it can use.",
            unit="percentunit",
            queries=((f"rate(process_cpu_seconds_total{SPAN}) * {worker}", legend(process)),),
            document="runbooks.md#rapportsaturated",
        ),
        Figure(
            title="Memory, of the budget",
            meaning=f"{meaning(MEMORY)} As a share of: {meaning(LIMIT)}",
            unit="percentunit",
            queries=((share, legend(process)),),
        ),
        _held("Memory, by what it is for", MEMORY, "sum", "kind"),
        _counted("Fetches put off", "rapport_fetch_pauses_total"),
    )


def _http() -> tuple[Figure, ...]:
    by, commands = "service, status", "rapport_commands_total"
    return (
        _of("Requests", HTTP, "reqps", rate(f"{HTTP}_count", by, OF), by),
        _of("Seconds to answer, p99", HTTP, "s", quantile(0.99, HTTP, "service", OF)),
        _counted("Commands", commands, "service, result"),
        counted("Refused as asked too often", "rapport_rate_limited_total", "service, key", OF, none=NONE),
        counted("Uses of admin", "rapport_admin_actions_total", "service, outcome", OF, none=NONE),
        counted("Audit entries lost", "rapport_audit_lost_total", "service", OF, none=NONE),
    )
