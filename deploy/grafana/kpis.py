"""Figures of the KPIs, made of the registry: title, definition, unit, labels. A new one shows by itself."""

from collections.abc import Iterator, Mapping
from importlib import import_module
from pkgutil import iter_modules

from deploy.grafana.figures import Figure, Row, Shape
from services.metrics.domain import kpis as package
from services.metrics.domain.kpis.kpi import Kind, Kpi
from services.metrics.domain.kpis.registry import KPIS
from services.metrics.telemetry import LABELS, WINDOW_DAYS

ELSEWHERE = {
    "loyalty": "loyalty",
    "outreach": "outreach",
    "complaints": "desk",
    "root_causes": "desk",
    "clocks": "desk",
    "desk": "desk",
}
"""The board of the KPIs that a file of the registry declares; the others are on ``RELATIONSHIP``."""
RELATIONSHIP = "relationship"
ROWS = {
    "surveys": "What customers say",
    "purchases": "What they buy",
    "money": "What they pay",
    "clocks": "Promises kept",
    "desk": "Agents",
}
"""Titles of rows, where the file's name is none."""
DEFINITIONS = "metrics.md"
SHAPES = {
    Kind.NUMBER: Shape.NUMBER,
    Kind.COUNT: Shape.NUMBER,
    Kind.TALLY: Shape.BARS,
    Kind.RANKED: Shape.BARS,
}
"""The others are lines."""
NOTHING = {
    Kind.TALLY: " or on () vector(0)",
    Kind.RANKED: " or on () vector(0)",
    Kind.MONEY: " or on () vector(NaN)",
}
"""What is shown where a gauge has no series, as there is no name to tell."""


def rows(board: str) -> tuple[Row, ...]:
    """The rows of a board's KPIs, one for each file of the registry, in its order."""
    found: dict[str, list[Figure]] = {}
    for kpi in KPIS.values():
        file = FILES[kpi.name]
        if ELSEWHERE.get(file, RELATIONSHIP) == board:
            found.setdefault(file, []).append(figure(kpi))
    titles = {file: ROWS.get(file, file.replace("_", " ").capitalize()) for file in found}
    return tuple(Row(titles[file], tuple(figures)) for file, figures in found.items())


def figure(kpi: Kpi) -> Figure:
    """A KPI as it is shown."""
    labels = LABELS.get(kpi.kind, [])
    by = f" by ({', '.join(labels)})" if labels else ""
    legend = " ".join(f"{{{{{label}}}}}" for label in labels)
    return Figure(
        title=kpi.title,
        meaning=f"{kpi.text} The last {WINDOW_DAYS} days.",
        unit=unit(kpi.unit),
        queries=((f"max{by} ({kpi.gauge}){NOTHING.get(kpi.kind, '')}", legend or kpi.title),),
        shape=SHAPES.get(kpi.kind, Shape.LINES),
        document=f"{DEFINITIONS}#{kpi.name}",
    )


def unit(said: str) -> str:
    """Grafana's unit for what a KPI says of its own."""
    first = said.partition(",")[0].partition(" by ")[0].partition(" for ")[0].strip()
    if first.startswith("second"):
        return "s"
    if first == "0 to 1" or first.startswith("share"):
        return "percentunit"
    return "none" if not first or first[0] in "-0123456789" else f"suffix: {first}"


def _files() -> Iterator[tuple[str, str]]:
    for module in iter_modules(package.__path__):
        if module.name != "registry":
            for value in vars(import_module(f"{package.__name__}.{module.name}")).values():
                if isinstance(value, Kpi):
                    yield value.name, module.name


FILES: Mapping[str, str] = dict(_files())
"""The file that declares each KPI."""
