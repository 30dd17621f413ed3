"""Files as other systems leave them."""

import gzip
import json
import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from importlib.abc import MetaPathFinder
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rapport.importing import json_file, rows
from rapport.importing import lines as csv_lines
from rapport.importing.sources import format_of
from rapport.trouble import TroubleError
from shared.expressions.kinds import Table
from shared.mapping.form import CsvForm
from tests.examples import examples

from .given import all_of, opened


@pytest.mark.parametrize(
    ("content", "form"),
    [
        ("name;total\nAnn;1,5\nBo;2\n", {}),
        ('name,total\r\nAnn,"1,5"\r\nBo,2\r\n', {}),
        ("name\ttotal\nAnn\t1,5\nBo\t2", {}),
        ("name|total\nAnn|1,5\nBo|2", {}),
        ("\ufeffname;total\nAnn;1,5\nBo;2\n", {}),
        ("name;total\nAnn;1,5\nBo;2\n".encode("utf-16"), {}),
        ("export of today\n\nname;total\nAnn;1,5\nBo;2\n", {"skip": 2}),
        ("Ann;1,5\nBo;2\n", {"columns": ("name", "total"), "delimiter": ";"}),
        ("name;total\n'Ann';1,5\nBo;2\n", {"quote": "'"}),
        ("name ; total \n\n Ann ; 1,5 \n\nBo;2\n\n", {}),
        ("sep=;\nname;total\nAnn;1,5\nBo;2\n", {}),
        ("\ufeffSEP=|\r\nname|total\r\nAnn|1,5\r\nBo|2\r\n", {}),
        ("sep=\t\nname\ttotal\nAnn\t1,5\nBo\t2", {"delimiter": "\t"}),
        ("name;total;note\nAnn;1,5;NULL\nBo;2;\n", {"absent": ("NULL",)}),
    ],
)
def test_csv_in_every_dialect(tmp_path: Path, content: str | bytes, form: dict[str, object]) -> None:
    found = all_of(opened(tmp_path / "a.csv", content, CsvForm.model_validate(form)))
    assert [row.record for row in found] == [{"name": "Ann", "total": "1,5"}, {"name": "Bo", "total": "2"}]
    assert [row.fault for row in found] == [None, None]


def test_quoted_line_ends_and_line_numbers(tmp_path: Path) -> None:
    text = 'a,b\n1,"x\ny ""z"""\n2,w\n"3\n\n",v\n4,u\n'
    for first, before in (("", 0), ("sep=,\n", 1)):
        found = all_of(opened(tmp_path / "a.csv", first + text))
        assert [row.record["b"] for row in found] == ['x\ny "z"', "w", "v", "u"]
        assert [row.line - before for row in found] == [2, 4, 5, 8]


def test_another_encoding(tmp_path: Path) -> None:
    content = "name;town\nJörg;Köln\nAnn;Bonn\n".encode("cp1252")
    first, second = all_of(opened(tmp_path / "a.csv", content))
    assert (first.fault, second.fault) == ("is not utf-8: say csv.encoding", None)
    first, _ = all_of(opened(tmp_path / "a.csv", content, CsvForm(encoding="cp1252")))
    assert first.record == {"name": "Jörg", "town": "Köln"}


def test_rows_that_do_not_fit_their_header(tmp_path: Path) -> None:
    found = all_of(opened(tmp_path / "a.csv", "a,b\n1,2,3\n1\n1,2,,\n"))
    assert [row.fault for row in found] == ["has more cells than there are columns", None, None]
    assert found[1].record == {"a": "1"}


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_quote_that_never_ends_is_told_with_the_line_in_which_it_opens(tmp_path: Path, end: str) -> None:
    text = f'a,b\r\n0,"u\nv"\n1,"w\n",x\r\n2,"""y"" z\r\n3,v{end}'
    first, second, third = all_of(opened(tmp_path / "a.csv", text))
    assert (first.record, second.record) == ({"a": "0", "b": "u\nv"}, {"a": "1", "b": "w"})
    assert (third.line, third.record, third.cells) == (6, None, ())
    assert third.fault == (
        "cannot be read: the quote that opens in line 6 is not closed: the lines up to 7 are not read"
    )
    (row,) = all_of(opened(tmp_path / "a.csv", f'a,b\n"1\n2","3{end}'))
    assert (row.line, row.fault) == (
        2,
        "cannot be read: the quote that opens in line 3 is not closed: the lines up to 3 are not read",
    )
    with pytest.raises(TroubleError, match="the quote that opens in line 1 is not closed"):
        opened(tmp_path / "a.csv", f'a,"b\n1,2{end}')


def test_a_quote_that_the_next_one_closes_is_told_too(tmp_path: Path) -> None:
    """Where each cell is quoted, the quote that is to open the next ends it."""
    first, second = all_of(opened(tmp_path / "a.csv", 'a,b\n1,"x\n2,"y"\n3,z "w"\n'))
    assert (first.line, first.record) == (2, None)
    assert first.fault == (
        "cannot be read: in lines 2 to 3 text stands behind a quote that closes a cell: one may be open"
    )
    assert second.record == {"a": "3", "b": 'z "w"'}


@pytest.mark.parametrize("lines", ["2,y\n", '2"x,"y\n'])
def test_a_quote_that_never_ends_costs_what_a_row_may_have(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lines: str
) -> None:
    """However many cells that is."""
    monkeypatch.setattr(csv_lines, "MOST_BYTES", 1_000)
    found = all_of(opened(tmp_path / "a.csv", 'a,b\n1,"x\n' + lines * 500 + '3,"z"\n'))
    assert found[0].line == 2
    assert found[0].fault is not None
    assert "the quote that opens in line" in found[0].fault
    assert all(len(row.cells) < 1_000 for row in found)
    assert found[-1].line > 250, "and what comes after it is read"


def test_a_line_of_csv_without_an_end_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_lines, "MOST_BYTES", 2 * 2**20)
    for long in (',"' + "x" * 2**22, "," * 2**22, ',"x\n' + "y" * 2**22 + '"'):
        found = all_of(opened(tmp_path / "a.csv", f"a,b\n1{long}\n2,z\n"))
        assert [row.fault is None for row in found] == [False, True]
        assert found[-1].record == {"a": "2", "b": "z"}
    assert found[0].fault == (
        "cannot be read: the quote that opens in line 2 is not closed: the lines up to 3 are not read"
    )


def test_headers_that_name_nothing_or_twice(tmp_path: Path) -> None:
    found = opened(tmp_path / "a.csv", "a,,c\n")
    assert (found.columns, all_of(found)) == (("a", "column_2", "c"), [])
    with pytest.raises(TroubleError, match="several columns a"):
        opened(tmp_path / "a.csv", "a,b,a\n")
    with pytest.raises(TroubleError, match="is empty"):
        opened(tmp_path / "a.csv", "")


def test_json_lines(tmp_path: Path) -> None:
    text = '\ufeff{"a": 1}\n\n{"a": }\n[1]\n{"b": 0.5}'
    for path, content in ((tmp_path / "a.jsonl", text.encode()), (tmp_path / "a.jsonl.gz", b"")):
        file = opened(path, content or gzip.compress(text.encode()))
        kind = file.kind([{"c": "x"}])
        assert isinstance(kind, Table)
        assert set(kind.fields) == {"a", "b", "c"}
        found = all_of(file)
        assert [row.line for row in found] == [1, 3, 4, 5]
        assert [row.record for row in found if row.fault is None] == [{"a": 1}, {"b": 0.5}]
        faults = [row.fault for row in found if row.fault is not None]
        assert faults[0].startswith("is not JSON: ")
        assert faults[1] == "is no JSON object"


def test_a_line_without_an_end_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (json_file, rows):
        monkeypatch.setattr(module, "MOST_BYTES", 100)
    found = all_of(opened(tmp_path / "a.jsonl", '{"a": "' + "x" * 350 + '"}\n{"a": 2}\n'))
    assert [(row.line, row.fault is None) for row in found] == [(1, False), (2, True)]


def test_one_document(tmp_path: Path) -> None:
    assert [row.record for row in all_of(opened(tmp_path / "a.json", '[{"a": 1}, {"a": 2}]'))] == [
        {"a": 1},
        {"a": 2},
    ]
    assert [row.record for row in all_of(opened(tmp_path / "a.json", '{"a": 1}'))] == [{"a": 1}]
    with pytest.raises(TroubleError, match="is not JSON"):
        opened(tmp_path / "a.json", "{")


def test_a_time_of_parquet_that_is_none_costs_its_row(tmp_path: Path) -> None:
    made = pa.table(
        {
            "n": [1, 2, 3],
            "at": pa.array([0, 10**15, None], pa.timestamp("ms", "UTC")),
            "old": pa.array([0, 0, -(10**11)], pa.timestamp("s")),
            "map": pa.array([[("a", 1), ("b", 2)], [], None], pa.map_(pa.string(), pa.int64())),
        }
    )
    pq.write_table(made, tmp_path / "a.parquet")
    first, *others = opened(tmp_path / "a.parquet", (tmp_path / "a.parquet").read_bytes()).rows(0)
    assert first.record == {
        "n": 1, "at": "1970-01-01T00:00:00+00:00", "old": "1970-01-01T00:00:00", "map": [["a", 1], ["b", 2]]
    }  # fmt: skip
    assert [row.fault for row in (first, *others)] == [
        None,
        "cannot be read: at is beyond what a timestamp[ms, tz=UTC] may be here",
        "cannot be read: old is beyond what a timestamp[ms] may be here",
    ]


class NoPandas(MetaPathFinder):
    def find_spec(self, name: str, path: object, target: object = None) -> None:
        if name.partition(".")[0] == "pandas":
            raise ModuleNotFoundError(name)


@pytest.mark.parametrize("pandas", [True, False])
def test_nanoseconds_of_parquet_are_read_as_microseconds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pandas: bool
) -> None:
    if not pandas:
        # As where it is not installed. None among the modules is not: pyarrow takes that for the module.
        monkeypatch.delitem(sys.modules, "pandas", raising=False)
        monkeypatch.setattr(sys, "meta_path", [NoPandas(), *sys.meta_path])
    made = pa.table({"at": pa.array([1_700_000_000_000_001_999], pa.timestamp("ns", "UTC"))})
    pq.write_table(made, tmp_path / "a.parquet")
    (row,) = opened(tmp_path / "a.parquet", (tmp_path / "a.parquet").read_bytes()).rows(0)
    assert row.record == {"at": "2023-11-14T22:13:20.000001+00:00"}


def test_parquet(tmp_path: Path) -> None:
    made = pa.table(
        {
            "n": [1, None, 3],
            "f": [0.5, float("nan"), 2.0],
            "money": pa.array([Decimal("12.50"), None, Decimal("1.00")], pa.decimal128(10, 2)),
            "at": pa.array([datetime(2026, 1, 31, 12, tzinfo=UTC)] * 3, pa.timestamp("us", "UTC")),
            "local": pa.array([datetime(2026, 1, 31, 12)] * 3, pa.timestamp("ms")),  # noqa: DTZ001 - as files have
            "day": [date(2026, 1, 31)] * 3,
            "lines": [[{"sku": "a", "price": Decimal("1.5")}], [], None],
        }
    )
    pq.write_table(made, tmp_path / "a.parquet", row_group_size=2)
    file = opened(tmp_path / "a.parquet", (tmp_path / "a.parquet").read_bytes())
    kind = file.kind([])
    assert isinstance(kind, Table)
    assert {name: str(field.kind) for name, field in kind.fields.items()}["money"] == "text"
    found = list(file.rows(0))
    assert found[0].record == {
        "n": 1,
        "f": 0.5,
        "money": "12.50",
        "at": "2026-01-31T12:00:00+00:00",
        "local": "2026-01-31T12:00:00",
        "day": "2026-01-31",
        "lines": [{"sku": "a", "price": "1.5"}],
    }
    assert found[1].record["f"] is None
    assert [row.record["n"] for row in file.rows(2)] == [3]
    assert [row.line for row in file.rows(1)] == [2, 3]
    with pytest.raises(TroubleError, match="is no Parquet file"):
        opened(tmp_path / "b.parquet", b"PAR1 and more")


CELL = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)


@given(
    st.lists(st.lists(CELL, min_size=2, max_size=2), max_size=20),
    st.integers(0, 25),
    st.sampled_from(",;\t|"),
)
@settings(
    max_examples=examples(200), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_what_one_wrote_the_other_reads(
    tmp_path: Path, cells: list[list[str]], skip: int, delimiter: str
) -> None:
    """By the standard library's writer; and skipping rows gives those that come after."""
    import csv
    import io

    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, quoting=csv.QUOTE_ALL)
    writer.writerows([["a", "b"], *cells])
    found = all_of(opened(tmp_path / "a.csv", text.getvalue()))
    wanted = [
        {name: cell.strip() for name, cell in zip("ab", row, strict=True) if cell.strip()} for row in cells
    ]
    assert [row.record for row in found] == wanted
    again = all_of(opened(tmp_path / "a.csv", text.getvalue()), skip)
    assert again == found[skip:]
    lines = "\n".join(json.dumps(one) for one in wanted)
    assert [row.record for row in all_of(opened(tmp_path / "a.jsonl", lines), skip)] == wanted[skip:]


def test_what_no_name_says(tmp_path: Path) -> None:
    assert format_of(Path("a.CSV.gz")) == "csv"
    assert format_of(Path("a.dat"), "jsonl") == "jsonl"
    with pytest.raises(TroubleError, match="Say it by --format: csv, jsonl, json, parquet"):
        format_of(Path("a.dat"))
