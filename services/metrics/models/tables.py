"""A series as a table: columns and rows, for CSV and Parquet. Pure."""

import csv
import io
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from services.metrics.models.kpis import Quantiles, Series, SeriesPoint, Spread

Cell = date | datetime | float | int | str | None


@dataclass(frozen=True, slots=True)
class Table:
    """Each row has a cell for each column; the newest days first."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


def table(series: Series) -> Table:
    """A row a point: ``from``, ``to``, its value, ``n``, and the interval, ``low`` and ``high``. Of several
    figures a column each, with their intervals as ``low_p50`` and so on, and of a mean and quantiles the
    ``currency``. Of what is counted by name a row a name instead: ``name``, ``value``."""
    points = [(point, _value(point)) for point in series.items]
    values = [value for _, value in points]
    if any(isinstance(value, list) for value in values):
        rows = ((*_days(p), name, n, p.n, *_ends(p, name)) for p, named in points for name, n in named or ())
        return Table(("from", "to", "name", "value", "n", "low", "high"), tuple(rows))
    if any(isinstance(value, dict) for value in values):
        names = tuple(dict.fromkeys(name for value in values for name in value or ()))
        spread = any(isinstance(point.value, Spread) for point in series.items)
        ends = tuple(f"{end}_{name}" for name in names for end in ("low", "high"))
        wide = (
            (
                *_days(p),
                *map((v or {}).get, names),
                p.n,
                *(end for name in names for end in _ends(p, name)),
                *((p.currency,) if spread else ()),
            )
            for p, v in points
        )
        return Table(("from", "to", *names, "n", *ends, *(("currency",) if spread else ())), tuple(wide))
    plain = ((*_days(p), value, *_basis(p)) for p, value in points)
    return Table(("from", "to", "value", "n", "low", "high"), tuple(plain))


def _value(point: SeriesPoint) -> Any:
    """A number; figures, which every point has, as a dict; what is counted by name as pairs."""
    value: Any = point.value
    if isinstance(value, Quantiles | Spread):
        return value.model_dump()
    if isinstance(value, list):
        return [(one.name, one.n) for one in value]
    return list(value.items()) if isinstance(value, dict) else value


def _days(point: SeriesPoint) -> tuple[date | datetime, date | datetime]:
    return point.from_, point.to


def _basis(point: SeriesPoint) -> tuple[int, float | None, float | None]:
    return point.n, point.low, point.high


def _ends(point: SeriesPoint, name: str) -> tuple[float | None, float | None]:
    """The interval of one of its figures."""
    bounds = point.figures.get(name)
    return (None, None) if bounds is None else (bounds.low, bounds.high)


def as_csv(table: Table) -> str:
    """RFC 4180, with a header. Text that a spreadsheet would take for a formula begins with an apostrophe."""
    made = io.StringIO(newline="")
    writer = csv.writer(made)
    writer.writerow(table.columns)
    writer.writerows([[_safe(cell) for cell in row] for row in table.rows])
    return made.getvalue()


def _safe(cell: Cell) -> Cell:
    if isinstance(cell, datetime):
        return cell.isoformat()
    if isinstance(cell, str) and cell[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return f"'{cell}"
    return cell
