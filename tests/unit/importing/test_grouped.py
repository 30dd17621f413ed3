"""Rows that are one thing."""

from itertools import groupby
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rapport.importing.faults import Fault, FaultFile
from rapport.importing.grouped import Grouped
from rapport.trouble import TroubleError
from tests.examples import examples

from .given import all_of, mapping, opened

ORDERS = "order,sku,qty,total\n1,a,2,20\n1,b,1,20\n2,a,1,5\n1,c,1,20\n,d,1,1\n,e,1,1\n"
MAP = """
    source: /old
    currency: EUR
    group: order
    events:
      - type: purchase.made
        subject: {is: c-1}
        id: row.order
        time: {is: 2026-02-01T00:00:00Z}
        data:
          order_id: row.order
          channel: {is: web}
          total: row.total
          items: {each: row.rows, fields: {sku: item.sku, quantity: item.qty, unit_price: {is: 1}}}
    """


def test_lines_of_an_order_are_one_record(tmp_path: Path) -> None:
    rows = Grouped(opened(tmp_path / "a.csv", ORDERS), "order")
    mapper = mapping(tmp_path, MAP).over(rows.kind([]))
    from datetime import UTC, datetime

    first, second, *_ = all_of(rows)
    (event,) = mapper.events(first.record, datetime.now(UTC))
    told = event.event.data.model_dump()
    assert [(item["sku"], item["quantity"]) for item in told["items"]] == [("a", 2), ("b", 1)]
    assert told["total"] == {"amount": 2000, "currency": "EUR"}
    assert (first.line, second.line) == (2, 4)


def test_a_record_that_fails_goes_with_all_its_rows(tmp_path: Path) -> None:
    rows = Grouped(opened(tmp_path / "a.csv", ORDERS.replace("1,b,1,20", "1,b,1,20,5")), "order")
    first, *_ = all_of(rows)
    assert first.fault == "has more cells than there are columns"
    faults = FaultFile(tmp_path / "e.csv", rows.columns)
    faults.begin(0)
    faults.write([Fault(first, "why")])
    faults.close()
    lines = (tmp_path / "e.csv").read_text(encoding="utf-8").splitlines()
    assert lines == ["line,reason,order,sku,qty,total", "2,why,1,a,2,20", "3,why,1,b,1,20,5"]


def test_a_column_that_is_not_there(tmp_path: Path) -> None:
    rows = Grouped(opened(tmp_path / "a.csv", ORDERS), "number")
    with pytest.raises(TroubleError, match="has no column number"):
        rows.kind([])
    rows.close()


@given(st.lists(st.sampled_from(["1", "2", "3", ""]), max_size=30), st.integers(0, 12))
@settings(
    max_examples=examples(100), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_groups_are_what_stands_together(tmp_path: Path, keys: list[str], skip: int) -> None:
    lines = [f"{key},x" for key in keys]
    text = "\n".join(["order,sku", *lines])
    found = all_of(Grouped(opened(tmp_path / "a.csv", text), "order"))
    wanted = [
        size
        for key, group in groupby(keys)
        for size in ([len(list(group))] if key else [1] * len(list(group)))
    ]
    assert [len(row.members) for row in found] == wanted
    assert all_of(Grouped(opened(tmp_path / "a.csv", text), "order"), skip) == found[skip:]
