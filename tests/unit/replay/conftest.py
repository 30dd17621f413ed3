"""A small data set in the shape of completejourney's parquet files."""

from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

LINES = [
    # household, store, basket, product, quantity, sales_value, timestamp
    (7, 30, 1001, 50, 1, 2.99, "2017-01-02T10:00:00"),
    (7, 30, 1001, 51, 3, 5.00, "2017-01-02T10:00:00"),
    (7, 30, 1002, 52, 8963, 20.00, "2017-01-05T09:30:00"),
    (3, 31, 1003, 50, 0, 0.0, "2017-01-03T08:00:00"),
    (3, 31, 1005, 99, 1, 0.57, "2017-01-04T08:00:00"),
    (3, 31, 1004, 50, 1, 0.29, "2017-01-04T08:00:00"),
    (9, 30, 1006, 50, 2, 310.10, "2017-02-01T12:00:00"),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a data set with three households: 3, 7 and 9."""
    columns = ("household_id", "store_id", "basket_id", "product_id", "quantity", "sales_value")
    lines = {name: [line[place] for line in LINES] for place, name in enumerate(columns)}
    times = [datetime.fromisoformat(line[6]) for line in LINES]
    _write(tmp_path, "transactions", lines | {"transaction_timestamp": pa.array(times, pa.timestamp("ns"))})
    _write(
        tmp_path,
        "products",
        {
            "product_id": [50, 51, 52],
            "department": ["GROCERY", "GROCERY", "FUEL"],
            "product_category": ["MILK", "BREAD", None],
        },
    )
    _write(
        tmp_path,
        "demographics",
        {"household_id": [7, 9], "household_comp": ["2 Adults Kids", "1 Adult No Kids"]},
    )
    days = [datetime.fromisoformat(day) for day in ("2017-01-02", "2017-01-03", "2017-03-01")]
    _write(
        tmp_path,
        "coupon_redemptions",
        {
            "household_id": [7, 7, 9],
            "coupon_upc": [555, 777, 888],
            "redemption_date": pa.array(days, pa.timestamp("ns")),
        },
    )
    return tmp_path


def _write(folder: Path, name: str, columns: dict[str, object]) -> None:
    pq.write_table(pa.table(columns), folder / f"{name}.parquet")
