"""``rapport program`` as a user runs it."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests import commanded

PROGRAM = """
name: mine
currency: EUR
rates: {EUR: 1}
tiers: [{name: everyone, spend: 0}]
earn: {exclude: {categories: [gift-cards], skus: [top-up]}}
campaigns:
  - {id: double, name: Double, from: 2025-02-01, until: 2025-03-01, effect: {multiplier: 2}, budget: 5000}
"""


rapport = partial(commanded.rapport, "program")


def line(day: int, cents: int) -> str:
    money = {"amount": cents, "currency": "EUR"}
    event: dict[str, Any] = {
        "specversion": "1.0",
        "id": f"e{day}",
        "source": "/till",
        "type": "rapport.purchase.made.v1",
        "subject": "c-1",
        "time": f"2025-02-{day:02}T10:00:00Z",
        "data": {"order_id": f"o{day}", "channel": "web", "total": money, "items": []},
    }
    return json.dumps(event)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "mine.yaml").write_text(PROGRAM)
    (tmp_path / "plain.yaml").write_text(PROGRAM.partition("campaigns:")[0])
    (tmp_path / "in.jsonl").write_text("\n".join([line(3, 5_000), line(1, 10_000)]))
    return tmp_path


def test_check_shows_what_the_program_holds(folder: Path) -> None:
    found = rapport("check", "mine.yaml", cwd=folder)
    assert (found.returncode, found.stderr) == (0, "")
    assert "mine.yaml is valid: 1 version." in found.stdout
    assert "gift-cards, top-up" in found.stdout
    rows = [row.split() for row in found.stdout.splitlines() if row.startswith("double")]
    assert rows == [
        ["double", "2025-02-01", "2025-03-01", "x", "2", "-", "5,000"],
        ["double", "every", "purchase"],
    ]


def test_check_names_the_field_at_fault(folder: Path) -> None:
    (folder / "bad.yaml").write_text(PROGRAM.replace("budget: 5000", "budget: 0"))
    found = rapport("check", "bad.yaml", cwd=folder)
    assert (found.returncode, found.stdout) == (1, "")
    assert "bad.yaml is not valid: campaigns[0].budget" in found.stderr
    assert "Traceback" not in found.stderr


def test_simulate_compares_with_a_baseline_and_writes_the_page(folder: Path) -> None:
    asked = ("simulate", "mine.yaml", "--against", "in.jsonl", "--svg", "page.svg")
    named = rapport(*asked, "--baseline", "plain.yaml", cwd=folder)
    assert named.returncode == 0, named.stderr
    assert "Redemptions are not replayed" in named.stdout
    (issued,) = [row for row in named.stdout.splitlines() if row.strip().startswith("points issued  ")]
    assert issued.split() == ["points", "issued", "150", "300", "+150", "(+100.0%)"]
    assert (folder / "page.svg").read_text().startswith("<svg")
    again = rapport(*asked, cwd=folder, RAPPORT_PROGRAM="plain.yaml")
    assert again.stdout == named.stdout


def test_without_a_baseline_it_is_the_program_that_ships(folder: Path) -> None:
    found = rapport(
        "simulate",
        "mine.yaml",
        "--against",
        "in.jsonl",
        "--until",
        "2026-02-10",
        cwd=folder,
        RAPPORT_PROGRAM="",
    )
    assert found.returncode == 0, found.stderr
    assert "baseline the program that ships" in found.stdout
    (expired,) = [row for row in found.stdout.splitlines() if row.strip().startswith("points expired")]
    assert expired.split()[2:4] == ["150", "300"]


def test_a_bad_line_stops_it_before_anything_is_shown(folder: Path) -> None:
    (folder / "in.jsonl").write_text(f"{line(1, 100)}\nnot json\n")
    found = rapport("simulate", "mine.yaml", "--against", "in.jsonl", cwd=folder)
    assert (found.returncode, found.stdout) == (1, "")
    assert "in.jsonl:2: json:" in found.stderr
    assert "1 bad lines in in.jsonl: nothing was simulated." in found.stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["mine.yaml", "--against", "nowhere.jsonl"], "nowhere.jsonl is no file"),
        (["nowhere.yaml", "--against", "in.jsonl"], "nowhere.yaml cannot be read"),
        (["mine.yaml", "--against", "in.jsonl", "--baseline", "in.jsonl"], "in.jsonl is not valid"),
        (["mine.yaml", "--against", "empty.jsonl"], "There is no event in empty.jsonl."),
        (["mine.yaml", "--against", "in.jsonl", "--until", "2025-01-01"], "in in.jsonl up to 2025-01-01."),
        (["mine.yaml", "--against", "in.jsonl", "--svg", "no/page.svg"], "no/page.svg cannot be written"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(folder: Path, arguments: list[str], sentence: str) -> None:
    (folder / "empty.jsonl").write_text("")
    found = rapport("simulate", *arguments, cwd=folder)
    assert found.returncode == 1
    assert sentence in found.stderr
    assert "Traceback" not in found.stderr


def test_the_data_set_gives_the_same_page_each_time(folder: Path) -> None:
    asked = ("simulate", "mine.yaml", "--against", "completejourney", "--households", "2", "--seed", "3")
    first, second = (rapport(*asked, cwd=folder) for _ in range(2))
    assert first.returncode == 0, first.stderr
    assert first.stdout == second.stdout
    assert "recorded by 2 households" in first.stdout
    assert "events refused" in first.stdout
    assert "unknown_currency" in first.stdout
