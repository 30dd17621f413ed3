"""A series in the form that its caller asks for: JSON, CSV or Parquet."""

import io
from datetime import datetime
from typing import Annotated, Literal

from fastapi import Depends, Header, Query, Response
from fastapi.responses import JSONResponse

from services.metrics import errors
from services.metrics.models.kpis import Series
from services.metrics.models.tables import Table, as_csv, table
from shared.http.errors import Responses

CSV, PARQUET = "text/csv", "application/vnd.apache.parquet"
_BY_MEDIA = {CSV: "csv", PARQUET: "parquet", "application/json": "json"}

DOCUMENTED: Responses = {
    200: {"content": {CSV: {"schema": {"type": "string"}}, PARQUET: {"schema": {"type": "string"}}}}
}
"""Of a route that answers in these forms, beside JSON."""


def _asked(
    format: Annotated[
        Literal["json", "csv", "parquet"] | None, Query(description="Instead of what ``Accept`` says.")
    ] = None,
    accept: Annotated[str, Header(include_in_schema=False)] = "",
) -> str:
    """Dependency: which form. The first that ``Accept`` names, where ``format`` says nothing."""
    if format is not None:
        return format
    named = (part.partition(";")[0].strip().lower() for part in accept.split(","))
    return next((_BY_MEDIA[media] for media in named if media in _BY_MEDIA), "json")


Format = Annotated[str, Depends(_asked)]


def told(series: Series, format: str) -> Response:
    """The answer. Raises 406 ``no_parquet`` where this installation cannot write it."""
    if format == "json":
        return JSONResponse(series.model_dump(mode="json", by_alias=True))
    found = table(series)
    if format == "csv":
        return _file(series, as_csv(found).encode(), f"{CSV}; charset=utf-8; header=present", "csv")
    return _file(series, _parquet(found), PARQUET, "parquet")


def _file(series: Series, content: bytes, media: str, suffix: str) -> Response:
    name = f'attachment; filename="{series.name}.{suffix}"'
    return Response(content, media_type=media, headers={"Content-Disposition": name})


def _parquet(table: Table) -> bytes:
    try:
        # An extra: an API that nobody asks for it does without.
        import pyarrow
        from pyarrow import parquet
    except ModuleNotFoundError:
        raise errors.NO_PARQUET() from None
    minutes = bool(table.rows) and isinstance(table.rows[0][0], datetime)
    when = pyarrow.timestamp("us", tz="UTC") if minutes else pyarrow.date32()
    types = {
        "from": when,
        "to": when,
        "name": pyarrow.string(),
        "currency": pyarrow.string(),
        "n": pyarrow.int64(),
    }
    fields = [pyarrow.field(name, types.get(name, pyarrow.float64())) for name in table.columns]
    columns = [list(column) for column in zip(*table.rows, strict=True)] or [[] for _ in fields]
    arrays = [pyarrow.array(column, field.type) for column, field in zip(columns, fields, strict=True)]
    made = io.BytesIO()
    parquet.write_table(pyarrow.Table.from_arrays(arrays, schema=pyarrow.schema(fields)), made)
    return made.getvalue()
