"""``rapport schemas check``: what POST /events would say, without sending anything."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from rapport.commands.schemas import app
from rapport.trouble import TroubleError


def line(**changes: Any) -> str:
    price = {"amount": 1250, "currency": "EUR"}
    data = {"order_id": "o-1", "channel": "web", "total": price, "items": [], "voucher_codes": []}
    told = {
        "specversion": "1.0",
        "id": "e-1",
        "source": "/till/9",
        "type": "rapport.purchase.made.v1",
        "subject": "cust-1",
        "time": "2026-11-22T10:00:00Z",
        "data": data,
    }
    return json.dumps(told | changes)


def check(path: Path, *words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["check", str(path), *words], catch_exceptions=False)
    return done.exit_code, done.output


def test_events_as_they_should_be(tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl.gz"
    file.write_bytes(gzip.compress(f"{line()}\n\n{line(id='e-2')}\n".encode()))
    assert check(file) == (0, "All 2 events are as they should be.\n")


def test_each_line_at_fault_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    file = tmp_path / "events.jsonl"
    bad = [
        line(time="yesterday"),
        line(data={"order_id": "o-1", "channel": "web", "total": {"amount": "12"}, "items": []}),
        line(type="rapport.points.earned.v1", data={}),
        line(tenant="acme"),
        "{nope",
        line(type="rapport.purchase.maid.v1"),
    ]
    file.write_text("\n".join([line(), *bad]), encoding="utf-8")
    code, said = check(file)
    assert code == 1
    rows = {row.split()[0]: row for row in said.splitlines() if row.strip()[:1].isdigit()}
    assert set(rows) >= {"2", "3", "4", "5", "6", "7"}
    assert "time" in rows["2"]
    assert "data.total" in rows["3"]
    assert "rapport.purchase.made.v1" in rows["3"]
    assert "tenant" in rows["5"]
    assert "rapport.purchase.maid.v1" in rows["7"]
    assert "6 of 7 events" in said
    assert "6 of 7 events" in check(file, "--most", "1")[1]


def test_a_file_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(TroubleError, match="cannot be read"):
        check(tmp_path / "none")
