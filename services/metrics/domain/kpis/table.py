"""The KPIs as documents tell them; ``python -m services.metrics.domain.kpis.table`` prints it."""

from collections.abc import Iterable

from services.metrics.domain.kpis.kpi import Kind, Kpi
from services.metrics.domain.kpis.registry import KPIS

_LABELS = {Kind.QUANTILES: "{quantile}", Kind.TALLY: "{name}"}


def table(kpis: Iterable[Kpi]) -> str:
    """The README's table, between ``<!-- kpis -->`` and ``<!-- /kpis -->``."""
    rows = [f"| `{kpi.name}` | {kpi.formula} | {kpi.unit} | {kpi.source} |" for kpi in kpis]
    return "\n".join(["| name | formula | unit | source |", "|---|---|---|---|", *rows])


def gauges(kpis: Iterable[Kpi]) -> str:
    """The gauges' names in docs/operating.md, between ``<!-- gauges -->`` and ``<!-- /gauges -->``."""
    return ", ".join(f"`{kpi.gauge}{_LABELS.get(kpi.kind, '')}`" for kpi in kpis)


if __name__ == "__main__":
    print(table(KPIS.values()), gauges(KPIS.values()), sep="\n\n")
