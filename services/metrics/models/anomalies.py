"""What the API answers of figures that left what is usual."""

from collections.abc import Mapping
from datetime import date
from typing import Any, Literal

from shared.schemas.base import Frozen
from shared.schemas.times import date_of


class Anomaly(Frozen):
    """A figure of a day that left what is usual on its weekday."""

    kpi: str
    figure: str
    """The KPI's name, or with that of one of its figures: ``resolution_s.p90``."""
    day: date
    value: float
    usual: float
    """The median of the same weekday in the weeks before."""
    spread: float
    """Their median absolute deviation (MAD), not scaled."""
    score: float | None
    """The modified z-score; null where the weeks before did not differ."""
    direction: Literal["up", "down"]
    moved_by: dict[str, str]
    """Of segment, channel and the other dimensions the value that moved it most."""


def anomaly(row: Mapping[str, Any]) -> Anomaly:
    """``row`` is one of ``anomalies``."""
    fields = {name: row[name] for name in Anomaly.model_fields if name != "day"}
    return Anomaly(day=date_of(row["day"]), **fields)
