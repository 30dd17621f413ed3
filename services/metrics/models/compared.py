"""What the API answers of a KPI of each value of a dimension."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import ConfigDict, Field

from services.metrics.domain.kpis.kpi import Result
from services.metrics.models.kpis import Several, Sure, basis
from shared.schemas.base import Frozen


class ComparedItem(Sure):
    """A KPI of one value of the dimension."""

    of: str
    """The segment, channel, tier, store, rule or team."""
    value: float | int | Annotated[Several, Field(union_mode="left_to_right")] | None


class Compared(Frozen):
    """Those with the largest basis first."""

    model_config = ConfigDict(json_schema_extra={"required": ["items", "cursor"]})

    name: str
    by: str
    window: str
    items: list[ComparedItem]
    cursor: None = None
    """Always null: they come whole."""


def compared(name: str, dimension: str, window: str, found: Mapping[str, Result]) -> Compared:
    """The answer to ``GET /kpis/{name}/by/{dimension}``."""
    ranked = sorted(found.items(), key=lambda one: (-one[1].n, one[0]))
    items = [
        ComparedItem(of=value, value=result.value, **basis(result).model_dump())
        for value, result in ranked
        if result.n
    ]
    return Compared(name=name, by=dimension, window=window, items=items)
