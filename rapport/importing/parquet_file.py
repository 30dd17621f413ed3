"""Parquet. Times, dates and decimals are text, as in CSV, so that no digit of theirs is lost."""

import math
from collections.abc import Callable, Iterator, Sequence
from datetime import date, time
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

from rapport.importing.rows import Row, sampled
from rapport.trouble import TroubleError
from shared.expressions.kinds import Kind
from shared.mapping.sampling import seen

_BATCH = 1_000
_UNREAD = (ArithmeticError, LookupError, ValueError)
"""What PyArrow raises for a time that Python has none of: of the year 30000, or in a zone that is none."""


class ParquetFile:
    """Rows of a Parquet file; needs ``rapport[parquet]``."""

    columns: tuple[str, ...] = ()

    def __init__(self, path: Path) -> None:
        """Raises ``TroubleError``."""
        try:
            import pyarrow as pa
            import pyarrow.parquet as pq
        except ImportError:
            raise TroubleError("Parquet needs another package: pip install 'rapport[parquet]'.") from None
        try:
            self._file = pq.ParquetFile(path)
        except (pa.ArrowException, OSError) as error:
            if isinstance(error, FileNotFoundError):
                raise
            raise TroubleError(f"{path} is no Parquet file: {error}.") from None
        self._plain = [_is_plain(pa, field.type) for field in self._file.schema_arrow]
        self._pa = pa
        self._path, self._given = path, 0
        self._total = max(int(self._file.metadata.num_rows), 1)

    def kind(self, sample: Sequence[Any]) -> Kind:
        return seen([*sample, *sampled(self.rows(0))])

    @property
    def done(self) -> float:
        return self._given / self._total

    def close(self) -> None:
        self._file.close()

    def rows(self, skip: int) -> Iterator[Row]:
        counts = [self._file.metadata.row_group(group).num_rows for group in range(self._file.num_row_groups)]
        group, passed = 0, 0
        while group < len(counts) and passed + counts[group] <= skip:
            passed += counts[group]
            group += 1
        return islice(self._from(group, passed), skip - passed, None)

    def _from(self, group: int, passed: int) -> Iterator[Row]:
        groups = range(group, self._file.num_row_groups)
        number = passed
        try:
            for batch in self._file.iter_batches(batch_size=_BATCH, row_groups=list(groups)):
                names = batch.schema.names
                unread: dict[int, str] = {}
                made = [
                    column.to_pylist() if plain else self._read(column, name, unread)
                    for column, name, plain in zip(batch.columns, names, self._plain, strict=True)
                ]
                for nth, cells in enumerate(zip(*made, strict=True)):
                    number += 1
                    self._given = number
                    yield Row(number, dict(zip(names, cells, strict=True)), unread.get(nth))
        except (self._pa.ArrowException, OSError) as error:
            raise TroubleError(f"{self._path} cannot be read beyond row {number}: {error}.") from None

    def _read(self, column: Any, name: str, unread: dict[int, str]) -> list[Any]:
        """A column's values as JSON has them; ``unread`` is told why of rows whose value cannot be read."""
        if self._pa.types.is_timestamp(column.type) and column.type.unit == "ns":
            # Python's times have microseconds.
            column = column.cast(self._pa.timestamp("us", column.type.tz), safe=False)
        try:
            return list(map(_told, column.to_pylist()))
        except _UNREAD:
            found: list[Any] = []
            for nth, one in enumerate(column):
                try:
                    found.append(_told(one.as_py()))
                except _UNREAD:
                    found.append(None)
                    unread.setdefault(
                        nth, f"cannot be read: {name} is beyond what a {column.type} may be here"
                    )
            return found


def _is_plain(pa: Any, kind: Any) -> bool:
    """Whether JSON has such values as they are."""
    checks: tuple[Callable[[Any], bool], ...] = (
        pa.types.is_integer, pa.types.is_boolean, pa.types.is_string, pa.types.is_large_string,
    )  # fmt: skip
    return any(check(kind) for check in checks)


def _told(value: Any) -> Any:
    """A value as JSON has it."""
    match value:
        case float():
            return value if math.isfinite(value) else None
        case Decimal():
            return f"{value:f}"
        case date() | time():
            return value.isoformat()
        case bytes():
            return value.decode(errors="replace")
        case list() | tuple():  # of a map, its pairs
            return [_told(one) for one in value]
        case dict():
            return {str(name): _told(one) for name, one in value.items()}
        case None | bool() | int() | str():
            return value
    return str(value)
