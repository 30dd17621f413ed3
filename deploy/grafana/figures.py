"""A figure, a row of figures, a board of rows: from our words to Grafana's, by its foundation SDK."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from grafana_foundation_sdk.builders import bargauge, common, dashboard, prometheus, stat, text, timeseries
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models.common import (
    BigValueGraphMode,
    LegendDisplayMode,
    LegendPlacement,
    TooltipDisplayMode,
    VizOrientation,
)
from grafana_foundation_sdk.models.dashboard import DashboardCursorSync, VariableRefresh, VariableSort
from grafana_foundation_sdk.models.prometheus import PromQueryFormat
from grafana_foundation_sdk.models.text import TextMode

SOURCE = model.DataSourceRef(type_val="prometheus", uid="${datasource}")
TAG = "rapport"
DOCS = "${docs}"
"""Where the documents are served: the variable that every board has."""
COLUMNS = 24
WIDTHS = {1: 24, 2: 12, 3: 8, 4: 6}
"""By the number of figures of a row; where there are more, a third each."""


class Shape(Enum):
    """How a figure is drawn."""

    LINES = "lines"
    NUMBER = "number"
    """The latest, large, with its course behind it."""
    BARS = "bars"
    """The latest, by name."""
    WORDS = "words"


HEIGHTS = {Shape.NUMBER: 5, Shape.LINES: 8, Shape.BARS: 8, Shape.WORDS: 14}
"""The highest of a row says how high all of it are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One panel."""

    title: str
    meaning: str
    """One line."""
    unit: str = ""
    """As Grafana names it; of words there is none."""
    queries: tuple[tuple[str, str], ...] = ()
    """PromQL, and what a series of it is called."""
    shape: Shape = Shape.LINES
    document: str = ""
    """The page and heading below ``DOCS`` that define it."""
    words: str = ""
    """Markdown."""


@dataclass(frozen=True, slots=True)
class Row:
    title: str
    figures: tuple[Figure, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """A variable: the values that a label has."""

    name: str
    metric: str
    title: str

    @property
    def query(self) -> str:
        return f"label_values({self.metric}, {self.name})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """One dashboard."""

    uid: str
    title: str
    meaning: str
    rows: tuple[Row, ...]
    choices: tuple[Choice, ...] = ()
    since: str = "now-6h"
    refresh: str = "30s"
    marks: Mapping[str, str] = field(default_factory=dict)
    """Names and PromQL of what is marked in all its figures."""


def build(board: Board) -> model.Dashboard:
    """The dashboard as Grafana reads it."""
    made = (
        dashboard.Dashboard(board.title)
        .uid(board.uid)
        .description(board.meaning)
        .tags([TAG])
        .editable()
        .timezone("browser")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .time(board.since, "now")
        .refresh(board.refresh)
        .link(_other_boards())
        .with_variable(dashboard.DatasourceVariable("datasource").label("Prometheus").type("prometheus"))
    )
    for choice in board.choices:
        made.with_variable(_variable(choice))
    made.with_variable(
        dashboard.TextBoxVariable("docs")
        .label("Documents")
        .description("Where Rapport's documents are served: panels link to definitions and runbooks there.")
        .default_value("docs")
    )
    for name, expr in board.marks.items():
        made.annotation(_mark(name, expr))
    number = 0
    for row in board.rows:
        made.with_row(dashboard.Row(row.title).id(number := number + 1))
        width = WIDTHS.get(len(row.figures), COLUMNS // 3)
        height = max(HEIGHTS[figure.shape] for figure in row.figures)
        for figure in row.figures:
            number += 1
            made.with_panel(_panel(figure, number).span(width).height(height))
    return made.build()


def _other_boards() -> dashboard.DashboardLink:
    link = dashboard.DashboardLink("Rapport").type(model.DashboardLinkType.DASHBOARDS)
    return link.tags([TAG]).as_dropdown(True).keep_time(True).include_vars(False)


def _variable(choice: Choice) -> dashboard.QueryVariable:
    return (
        dashboard.QueryVariable(choice.name)
        .label(choice.title)
        .datasource(SOURCE)
        .query(choice.query)
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(VariableSort.ALPHABETICAL_ASC)
        .multi(True)
        .include_all(True)
        .all_value(".*")
        .current(model.VariableOption(text="All", value="$__all", selected=True))
    )


def _mark(name: str, expr: str) -> dashboard.AnnotationQuery:
    made = dashboard.AnnotationQuery().name(name).datasource(SOURCE).expr(expr)
    return made.enable(True).hide(False).icon_color("red")


def _panel(figure: Figure, number: int) -> Any:
    made = _SHAPES[figure.shape](figure)
    made.id(number).title(figure.title).description(figure.meaning)
    if figure.document:
        link = dashboard.DashboardLink("What it says").type(model.DashboardLinkType.LINK)
        made.links([link.url(f"{DOCS}/{figure.document}").target_blank(True)])
    if figure.shape is not Shape.WORDS:
        made.datasource(SOURCE).unit(figure.unit).targets(_targets(figure))
    return made


def _targets(figure: Figure) -> list[Any]:
    made = []
    for number, (expr, legend) in enumerate(figure.queries):
        query = prometheus.Dataquery().expr(expr).legend_format(legend).ref_id(chr(ord("A") + number))
        query.datasource(SOURCE).format(PromQueryFormat.TIME_SERIES)
        made.append(query.instant() if figure.shape is Shape.BARS else query.range())
    return made


def _lines(figure: Figure) -> Any:
    legend = common.VizLegendOptions().display_mode(LegendDisplayMode.LIST).placement(LegendPlacement.BOTTOM)
    tooltip = common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI)
    legend.show_legend(True).calcs(["lastNotNull"])
    return timeseries.Panel().legend(legend).tooltip(tooltip).line_width(2).fill_opacity(8)


def _number(figure: Figure) -> Any:
    return stat.Panel().graph_mode(BigValueGraphMode.AREA).reduce_options(_latest())


def _bars(figure: Figure) -> Any:
    return bargauge.Panel().orientation(VizOrientation.HORIZONTAL).min(0).reduce_options(_latest())


def _words(figure: Figure) -> Any:
    return text.Panel().mode(TextMode.MARKDOWN).content(figure.words)


def _latest() -> common.ReduceDataOptions:
    return common.ReduceDataOptions().values(False).calcs(["lastNotNull"])


_SHAPES = {Shape.LINES: _lines, Shape.NUMBER: _number, Shape.BARS: _bars, Shape.WORDS: _words}


def expressions(board: Board) -> Sequence[tuple[str, str]]:
    """Title and PromQL of every query of a board."""
    return [
        (figure.title, expr) for row in board.rows for figure in row.figures for expr, _ in figure.queries
    ]
