"""How the platform runs: throughput, lag, batches, failures, timers, partitions, saturation, HTTP."""

from deploy.grafana.declared import meaning
from deploy.grafana.figures import Board, Choice, Figure, Row

OF = '{service=~"$service"}'
RATE = "[$__rate_interval]"
EVENTS = "rapport_events_total"
BATCH = "rapport_batch_seconds"
HTTP = "rapport_http_request_seconds"
LATE = "rapport_timers_late_seconds"
MEMORY, LIMIT = "rapport_memory_bytes", "rapport_memory_limit_bytes"


def board() -> Board:
    return Board(
        uid="rapport-platform",
        title="Rapport: platform",
        meaning="Whether events are handled, how fast, and what stands in the way.",
        rows=(
            _throughput(),
            _lag(),
            _batches(),
            _failures(),
            _timers(),
            _partitions(),
            _saturation(),
            _http(),
        ),
        choices=(Choice("service", "rapport_partitions_held", "Service"),),
        marks={"Alerts": 'ALERTS{alertstate="firing", severity="critical"}'},
    )


def figure(title: str, metric: str, unit: str, *queries: tuple[str, str], document: str = "") -> Figure:
    """One whose meaning is its metric's."""
    return Figure(title=title, meaning=meaning(metric), unit=unit, queries=queries, document=document)


def _throughput() -> Row:
    total = f"rate({EVENTS}{OF}{RATE})"
    quantile = f"histogram_quantile(0.5, sum by (service, le) (rate(rapport_batch_size_bucket{OF}{RATE})))"
    return Row(
        "Throughput",
        (
            figure(
                "Records and timers a second", EVENTS, "ops", (f"sum by (service) ({total})", "{{service}}")
            ),
            figure("By what became of them", EVENTS, "ops", (f"sum by (result) ({total})", "{{result}}")),
            figure(
                "Records in a batch, half of them", "rapport_batch_size", "short", (quantile, "{{service}}")
            ),
        ),
    )


def _lag() -> Row:
    seconds, records = "rapport_lag_seconds", "rapport_lag_records"
    by_topic = f"sum by (service, topic) ({records}{OF})"
    document = "runbooks.md#rapportlaggrows"
    return Row(
        "Lag",
        (
            figure(
                "Seconds behind",
                seconds,
                "s",
                (f"max by (service) ({seconds}{OF})", "{{service}}"),
                document=document,
            ),
            figure(
                "Records behind", records, "short", (by_topic, "{{service}} {{topic}}"), document=document
            ),
        ),
    )


def _batches() -> Row:
    share = f"sum by (service, stage) (rate({BATCH}_sum{OF}{RATE}))"
    high = f"histogram_quantile(0.99, sum by (service, stage, le) (rate({BATCH}_bucket{OF}{RATE})))"
    return Row(
        "Batches, by stage",
        (
            Figure(
                title="Seconds of each second, by stage",
                meaning=meaning(BATCH),
                unit="s",
                queries=((share, "{{service}} {{stage}}"),),
            ),
            figure("Seconds of a batch, p99", BATCH, "s", (high, "{{service}} {{stage}}")),
        ),
    )


def _failures() -> Row:
    letters, retries = "rapport_dead_letters_total", "rapport_retries_total"
    known = "rapport_journal_duplicates_total"
    return Row(
        "What goes wrong",
        (
            figure(
                "Dead letters",
                letters,
                "short",
                (f"sum by (service, reason) (increase({letters}{OF}{RATE}))", "{{service}} {{reason}}"),
                document="runbooks.md#rapportdeadletters",
            ),
            figure(
                "Retries",
                retries,
                "short",
                (
                    f"sum by (service, dependency) (increase({retries}{OF}{RATE}))",
                    "{{service}} {{dependency}}",
                ),
                document="runbooks.md#rapportdependencyaway",
            ),
            figure(
                "Duplicates",
                known,
                "short",
                (f"sum by (service) (increase({known}{OF}{RATE}))", "{{service}}"),
            ),
        ),
    )


def _timers() -> Row:
    due, fired = "rapport_timers_due", "rapport_timers_fired_total"
    late = f"histogram_quantile(0.99, sum by (service, le) (rate({LATE}_bucket{OF}{RATE})))"
    document = "runbooks.md#rapporttimerslate"
    return Row(
        "Timers",
        (
            figure(
                "Timers due",
                due,
                "short",
                (f"max by (service) ({due}{OF})", "{{service}}"),
                document=document,
            ),
            figure("Timers late, p99", LATE, "s", (late, "{{service}}"), document=document),
            figure(
                "Timers fired", fired, "ops", (f"sum by (service) (rate({fired}{OF}{RATE}))", "{{service}}")
            ),
        ),
    )


def _partitions() -> Row:
    held, standby = "rapport_partitions_held", "rapport_standby"
    taken, fenced = "rapport_takeovers_total", "rapport_fenced_total"
    return Row(
        "Partitions",
        (
            figure(
                "Partitions held",
                held,
                "short",
                (f"sum by (service) ({held}{OF})", "{{service}}"),
                document="runbooks.md#rapportnobodyreads",
            ),
            figure(
                "Workers that stand by",
                standby,
                "short",
                (f"sum by (service) ({standby}{OF})", "{{service}}"),
            ),
            figure(
                "Epoch takeovers",
                taken,
                "short",
                (f"sum by (service) (increase({taken}{OF}{RATE}))", "{{service}}"),
            ),
            figure(
                "Fences",
                fenced,
                "short",
                (f"sum by (service) (increase({fenced}{OF}{RATE}))", "{{service}}"),
                document="runbooks.md#rapportfenced",
            ),
        ),
    )


def _saturation() -> Row:
    workers = f"on (instance) group_left (service) (rapport_partitions_held{OF} >= bool 0)"
    share = f"sum by (service, instance) ({MEMORY}{OF}) / max by (service, instance) ({LIMIT}{OF})"
    pauses = "rapport_fetch_pauses_total"
    return Row(
        "Saturation",
        (
            Figure(
                title="Processor time of workers",
                meaning="Seconds of processor time that a worker's process uses each second; one core is all that it can.",
                unit="percentunit",
                queries=((f"rate(process_cpu_seconds_total{RATE}) * {workers}", "{{service}} {{instance}}"),),
                document="runbooks.md#rapportsaturated",
            ),
            Figure(
                title="Memory, of the budget",
                meaning=f"{meaning(MEMORY)} As a share of: {meaning(LIMIT)}",
                unit="percentunit",
                queries=((share, "{{service}} {{instance}}"),),
            ),
            figure(
                "Memory, by what it is for", MEMORY, "bytes", (f"sum by (kind) ({MEMORY}{OF})", "{{kind}}")
            ),
            figure(
                "Fetches put off",
                pauses,
                "short",
                (f"sum by (service) (increase({pauses}{OF}{RATE}))", "{{service}}"),
            ),
        ),
    )


def _http() -> Row:
    high = f"histogram_quantile(0.99, sum by (service, le) (rate({HTTP}_bucket{OF}{RATE})))"
    commands = "rapport_commands_total"
    return Row(
        "HTTP",
        (
            figure(
                "Requests",
                HTTP,
                "reqps",
                (f"sum by (service, status) (rate({HTTP}_count{OF}{RATE}))", "{{service}} {{status}}"),
            ),
            figure("Seconds to answer, p99", HTTP, "s", (high, "{{service}}")),
            figure(
                "Commands",
                commands,
                "short",
                (f"sum by (service, result) (increase({commands}{OF}{RATE}))", "{{service}} {{result}}"),
            ),
        ),
    )
