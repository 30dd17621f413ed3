"""The KPIs as documents tell them; ``python -m services.metrics.domain.kpis.table`` prints it."""

from collections.abc import Iterable, Iterator

from services.metrics.domain.baseline import left_out, not_restated
from services.metrics.domain.kpis.kpi import Kind, Kpi
from services.metrics.domain.kpis.registry import KPIS

_LABELS = {
    Kind.QUANTILES: "{quantile}",
    Kind.SPREAD: "{quantile,currency}",
    Kind.TALLY: "{name}",
    Kind.RANKED: "{name}",
    Kind.MONEY: "{currency}",
}


def table(kpis: Iterable[Kpi]) -> str:
    """The README's table, between ``<!-- kpis -->`` and ``<!-- /kpis -->``."""
    rows = [
        f"| [`{kpi.name}`](../../docs/metrics.md#{kpi.name}) | {kpi.description} | {kpi.unit} |"
        for kpi in kpis
    ]
    return "\n".join(["| name | what it tells | unit |", "|---|---|---|", *rows])


def gauges(kpis: Iterable[Kpi]) -> str:
    """The gauges' names in docs/operating.md, between ``<!-- gauges -->`` and ``<!-- /gauges -->``."""
    return ", ".join(f"`{gauge(kpi)}`" for kpi in kpis)


def gauge(kpi: Kpi) -> str:
    """The gauge's name, with its label."""
    return f"{kpi.gauge}{_LABELS.get(kpi.kind, '')}"


def definitions(kpis: Iterable[Kpi]) -> str:
    """All that the registry says, in docs/metrics.md between ``<!-- kpis -->`` and ``<!-- /kpis -->``."""
    return "\n\n".join("\n".join(_definition(kpi)) for kpi in kpis)


def _definition(kpi: Kpi) -> Iterator[str]:
    events = ", ".join(
        f"`{event.event_type.removeprefix('rapport.').removesuffix('.v1')}`" for event in kpi.events
    )
    yield f"### {kpi.name}"
    yield ""
    yield f"**{kpi.title}.** {kpi.description}."
    yield ""
    yield f"- Formula: {kpi.formula}."
    shape = "" if kpi.kind in (Kind.NUMBER, Kind.COUNT) else f" ({kpi.kind.value})"
    yield f"- Unit: {kpi.unit}{shape}. Gauge: `{gauge(kpi)}`."
    if kpi.source:
        yield f"- Source: {kpi.source}."
    yield f"- Counted from: {events}."
    if not_restated(kpi):
        yield f"- Not told anew: no `kpi.restated` tells of it, as {not_restated(kpi)}."
    if left_out(kpi):
        yield f"- Not watched for what is usual: no `kpi.anomaly` tells of it, as {left_out(kpi)}."
    if kpi.ripe_days:
        yield (
            f"- A day's figure is ripe {kpi.ripe_days} days later, when what belongs to it is in: only then "
            "is it asked whether it left what is usual (`kpi.anomaly`). Until then it reads too low or high."
        )
    if kpi.looks_back and not left_out(kpi):
        yield (
            "- Where the policy's `churn.alive_below` is set, a day's figure is ripe `insights.every_nights` "
            "days later, when all customers were looked at."
        )
    before = f" Before: {kpi.before}." if kpi.before else ""
    yield f"- Version {kpi.version}, in effect from {kpi.effective.isoformat()}.{before}"


if __name__ == "__main__":
    print(table(KPIS.values()), gauges(KPIS.values()), definitions(KPIS.values()), sep="\n\n")
