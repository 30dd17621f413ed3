"""``rapport import`` as it is called."""

import csv
import re
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from rapport.importing.cli import import_
from rapport.trouble import TroubleError

from .api import Answer, Events, serving, taken
from .given import MAP, mapping, table

APP = typer.Typer()
APP.command()(import_)


def called(*args: str | Path, url: str = "http://127.0.0.1:9", expect: int = 0) -> Result:
    env = {"RAPPORT_INTERACTIONS_URL": url, "RAPPORT_API_KEY": "key", "COLUMNS": "160"}
    found = CliRunner().invoke(APP, list(map(str, args)), env=env)
    if isinstance(found.exception, TroubleError):
        raise found.exception
    assert found.exit_code == expect, found.output
    return found


@pytest.fixture
def file(tmp_path: Path) -> Path:
    mapping(tmp_path)
    path = tmp_path / "calls.csv"
    path.write_text("\n".join(table(30)), encoding="utf-8")
    return path


def test_a_dry_run_shows_the_first_rows_and_counts_reasons(file: Path) -> None:
    found = called(file, "--map", file.with_name("map.yaml"), "--dry-run", expect=1).output
    assert re.search(r"2  interaction\.logged +c-0 +2026-02-01 00:00Z +i-0 ", found)
    assert re.search(r"3  left out", found)
    assert re.search(r"5  failed .* data\.duration_s: is no number", found)
    assert "30 rows: 20 events (20 interaction.logged), 6 left out, 4 failed. Nothing was sent." in found
    assert re.search(r"4 +5  data\.duration_s: is no number", found)
    assert sorted(path.name for path in file.parent.iterdir()) == ["calls.csv", "map.yaml"]


def test_a_dry_run_says_what_would_not_count(file: Path) -> None:
    mapping(file.parent, MAP.replace("id: row.id", "id: row.took"))
    file.write_text("id,who,kind,took\n1,a,x,1\n2,a,x,1\n3,b,x,1\n4,a,x,4\n", encoding="utf-8")
    found = called(file, "--map", file.with_name("map.yaml"), "--dry-run").output
    assert "1 events are called like one before them" in found


CONSENTS = """
    source: /old
    events:
      - type: consent.changed
        subject: row.who
        id: row.id
        time: {is: 2026-02-01T00:00:00Z}
        data: {purpose: {is: marketing}, channel: {is: email}, granted: {is: true}, evidence: row.form}
    """


def test_consents_say_that_they_are_imported_and_what_has_no_effect_is_told(file: Path) -> None:
    def answer(events: Events) -> Answer:
        assert all(event["imported"] is True for event in events)
        vain = [n for n, event in enumerate(events) if "evidence" not in event["data"]]
        told = [{"index": n, "code": "withdrawn", "detail": "They withdrew it."} for n in vain]
        return 202, {"accepted": len(events), "without_effect": told}, {}

    mapping(file.parent, CONSENTS)
    file.write_text("id,who,form\n1,a,\n2,b,form 3\n", encoding="utf-8")
    with serving(answer) as (url, _):
        found = called(file, "--map", file.with_name("map.yaml"), url=url, expect=1)
    assert "2 rows: 1 events, 0 left out, 1 failed." in found.output
    assert "has no effect: They withdrew it." in found.output
    errors = file.with_name("calls.csv.errors.csv").read_text()
    assert errors == "line,reason,id,who,form\n2,has no effect: They withdrew it.,1,a,\n"


def test_an_import(file: Path) -> None:
    with serving(taken) as (url, posted):
        found = called(file, "--map", file.with_name("map.yaml"), url=url, expect=1)
    assert "30 rows: 20 events, 6 left out, 4 failed." in found.output
    assert sum(map(len, posted)) == 20
    errors = file.with_name("calls.csv.errors.csv")
    assert errors.stat().st_mode & 0o777 == 0o600
    with errors.open(encoding="utf-8") as opened:
        rows = list(csv.DictReader(opened))
    assert [(row["line"], row["id"]) for row in rows] == [
        ("5", "i-3"),
        ("12", "i-10"),
        ("19", "i-17"),
        ("26", "i-24"),
    ]
    assert not file.with_name("calls.csv.place").exists()
    mended = errors.read_text(encoding="utf-8").replace("long", "7")
    errors.write_text(mended, encoding="utf-8")
    with serving(taken) as (url, posted):
        found = called(errors, "--map", file.with_name("map.yaml"), url=url)
    assert "4 rows: 4 events, 0 left out, 0 failed." in found.output


def test_what_a_mapping_names_must_be_there(file: Path) -> None:
    mapping(file.parent, MAP.replace("row.took", "row.tok"))
    said = r"line 14, column 19: events\[0\].data.duration_s: row has no field tok"
    with pytest.raises(TroubleError, match=said):
        called(file, "--map", file.with_name("map.yaml"), "--dry-run")


def test_files_that_would_be_one(file: Path) -> None:
    for option in ("--errors", "--place"):
        with pytest.raises(TroubleError, match="cannot be two things at once"):
            called(file, "--map", file.with_name("map.yaml"), option, file)
    assert file.read_text(encoding="utf-8").startswith("id,who")
