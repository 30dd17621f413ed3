"""``rapport schemas check``: what POST /events would say, without sending anything."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner

from rapport.commands.schemas import app
from rapport.importing.json_file import JsonLines
from rapport.replay.jsonl import EventFile
from rapport.replay.source import reading
from rapport.trouble import TroubleError, explain
from rapport.unpacked import DAMAGED as DAMAGED_SAID


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


PACKED = gzip.compress("".join(f"{line(id=f'e-{n}')}\n" for n in range(2_000)).encode())
DAMAGED = {
    "cut": PACKED[: len(PACKED) // 2],
    "changed": PACKED[:60] + bytes(200) + PACKED[260:],
    "plain": b"not packed at all",
}


@pytest.mark.parametrize("damage", DAMAGED)
def test_a_file_that_cannot_be_unpacked_is_a_sentence(tmp_path: Path, damage: str) -> None:
    file = tmp_path / "events.jsonl.gz"
    file.write_bytes(DAMAGED[damage])
    with pytest.raises(TroubleError, match="cannot be read: it is damaged"):
        check(file)
    with pytest.raises(TroubleError, match="it is damaged"), reading(str(file), Console(), "nothing"):
        list(EventFile(str(file)))
    rows = JsonLines(file)
    with pytest.raises(OSError, match="damaged") as caught:
        rows.kind(())
    rows.close()
    assert explain(caught.value) == f"{file} cannot be read: {DAMAGED_SAID}."


def test_what_a_producer_wrote_is_shown_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Brackets are no markup of ours, and no code of the terminal's gets to it."""
    monkeypatch.setenv("COLUMNS", "200")
    file = tmp_path / "[bold]events.jsonl"
    file.write_text(f"{line(type='[/b]x[red]')}\n{line(type=chr(27) + '[2J')}", encoding="utf-8")
    code, said = check(file)
    assert code == 1
    assert "[/b]x[red]" in said
    assert "[bold]events.jsonl" in " ".join(said.split())
    assert chr(27) not in said


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00" * 100,
        b"\xff\xfe{",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"NaN",
        b"1e999",
        b"null",
        b'"text"',
        b"[]",
    ],
    ids=range(10),
)
def test_no_line_whatever_it_is_ends_in_a_trace(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "events.jsonl"
    file.write_bytes(content)
    code, _ = check(file)
    assert code == (1 if content else 0)


def test_a_file_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(TroubleError, match="cannot be read"):
        check(tmp_path / "none")
