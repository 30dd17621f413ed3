"""Figures of the KPIs, made of the registry: name, definition, unit, labels. A new KPI has its figure by itself."""

from collections.abc import Iterator, Mapping
from importlib import import_module
from pkgutil import iter_modules

from deploy.grafana.figures import Figure, Row, Shape
from services.metrics.domain import kpis as package
from services.metrics.domain.kpis.kpi import Kind, Kpi
from services.metrics.domain.kpis.registry import KPIS
from services.metrics.telemetry import LABELS

ELSEWHERE = {
    "loyalty": "loyalty",
    "outreach": "outreach",
    "complaints": "desk",
    "root_causes": "desk",
    "agents": "desk",
}
"""The board of the KPIs that a file of the registry declares; the others are on ``RELATIONSHIP``."""
RELATIONSHIP = "relationship"
ROWS = {"surveys": "What customers say", "purchases": "What they buy", "root_causes": "Root causes"}
_NOT_KPIS = {"registry", "table", "kpi", "window"}


def rows(board: str) -> tuple[Row, ...]:
    """The rows of a board's KPIs, one a file of the registry, in its order."""
    found: dict[str, list[Figure]] = {}
    for kpi in KPIS.values():
        file = FILES[kpi.name]
        if ELSEWHERE.get(file, RELATIONSHIP) == board:
            found.setdefault(file, []).append(figure(kpi))
    return tuple(Row(_title(file), tuple(figures)) for file, figures in found.items())


def figure(kpi: Kpi) -> Figure:
    """A KPI as it is shown."""
    labels = list(LABELS.get(kpi.kind, []))
    by = f" by ({', '.join(labels)})" if labels else ""
    legend = " ".join(f"{{{{{label}}}}}" for label in labels) or spoken(kpi)
    shape = {Kind.TALLY: Shape.BARS, Kind.NUMBER: Shape.NUMBER, Kind.COUNT: Shape.NUMBER}
    return Figure(
        title=spoken(kpi),
        meaning=f"{kpi.formula}. Of the last 30 days, {kpi.unit}.",
        unit=unit(kpi.unit),
        queries=((f"max{by} ({kpi.gauge})", legend),),
        shape=shape.get(kpi.kind, Shape.LINES),
        document=DEFINITIONS,
    )


DEFINITIONS = "../services/metrics/README.md#the-kpis"


def spoken(kpi: Kpi) -> str:
    """Its name as a title: ``first_response_s`` is First response."""
    words = kpi.name.removesuffix("_s").replace("_", " ")
    return words.upper() if len(words) <= 4 else words[0].upper() + words[1:]


def unit(said: str) -> str:
    """Grafana's unit for what a KPI says of its own."""
    first = said.partition(",")[0].partition(" by ")[0].partition(" for ")[0].strip()
    if first.startswith("second"):
        return "s"
    if first == "0 to 1" or first.startswith("share"):
        return "percentunit"
    return "none" if not first or first[0] in "-0123456789" else f"suffix: {first}"


def _title(file: str) -> str:
    return ROWS.get(file, file.replace("_", " ").capitalize())


def _files() -> Iterator[tuple[str, str]]:
    for module in iter_modules(package.__path__):
        if module.name not in _NOT_KPIS:
            for value in vars(import_module(f"{package.__name__}.{module.name}")).values():
                if isinstance(value, Kpi):
                    yield value.name, module.name


FILES: Mapping[str, str] = dict(reversed([*_files()]))
"""The file that declares each KPI: the first, by name, that has it."""
