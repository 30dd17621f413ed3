"""``rapport rules check``: what a file holds, what is at fault, and which templates lack parts."""

import io
from functools import partial
from pathlib import Path

import pytest
from rich.console import Console

from rapport.rules.draft import load_draft
from rapport.rules.outline import lacking, outline
from tests import commanded
from tests.unit.rules.recordings import only, rules_text

rapport = partial(commanded.rapport, "rules")


def test_check_shows_what_the_rules_hold(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(rules_text())
    found = rapport("check", "mine.yaml", cwd=tmp_path)
    assert (found.returncode, found.stderr) == (0, "")
    assert "mine.yaml is valid: 1 version." in found.stdout
    rows = [row.split() for row in found.stdout.splitlines()]
    assert ["quiet", "21:00", "to", "08:00"] in rows
    told = [" ".join(row) for row in rows]
    assert any(row.startswith("one e-mail what is due within 12h of thank-you, ") for row in told)
    assert "thank-you purchase.made 2h thank-you email marketing 0 -" in told
    assert "win-back purchase.made 60d of quiet win-back email marketing 0 -" in told
    assert ["tier-up", "direction:", "up", "-", "-", "7d", "-"] in rows
    assert ["note", "service", "yes", "-", "-", "-"] in rows


def test_what_a_channel_would_lack_is_said(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(rules_text())
    draft = load_draft(tmp_path / "mine.yaml", channels=("sms",))
    missing = lacking(draft)
    assert missing["thank-you"] == ["sms"]
    assert missing["complaint-check"] == []


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (rules_text(rules=only("win-back", delay="soon")), "rules[0].delay: write a duration such as"),
        (rules_text(rules=only("win-back", channel="sms")), "rules[0].channel: nothing is sent by sms"),
        (rules_text(templates={"note": {"purpose": "service"}}), "there is no template thank-you"),
        (rules_text(timezone="Mars/Olympus"), "timezone: not a time zone of the IANA database"),
    ],
)
def test_check_names_the_field_at_fault(tmp_path: Path, text: str, sentence: str) -> None:
    (tmp_path / "bad.yaml").write_text(text)
    found = rapport("check", "bad.yaml", cwd=tmp_path)
    assert (found.returncode, found.stdout) == (1, "")
    assert sentence in found.stderr
    assert "Traceback" not in found.stderr


def test_a_template_that_lacks_a_file_of_its_channel_is_named(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text(rules_text(rules=only("win-back", channel="sms")))
    found = rapport("check", "bad.yaml", "--channel", "sms", cwd=tmp_path)
    assert found.returncode == 1
    assert "template win-back: there is no file win-back.sms.txt" in found.stderr


def test_a_variable_of_the_environment_that_is_none_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(rules_text())
    found = rapport("check", "mine.yaml", cwd=tmp_path, RAPPORT_API_PORT="none")
    assert found.returncode == 1
    assert found.stderr.startswith("RAPPORT_API_PORT: ")


def test_nothing_of_the_rules_is_cut_in_a_narrow_terminal() -> None:
    for part in outline(load_draft(None)):
        file = io.StringIO()
        Console(file=file, width=80).print(part)
        assert "…" not in file.getvalue()
        assert all(len(line) <= 80 for line in file.getvalue().splitlines())


def test_steps_goals_and_arms_are_shown(tmp_path: Path) -> None:
    [back] = only("win-back", holdout=0.05, goal={"event": "purchase.made", "within": "14d"})
    del back["template"]
    back |= {
        "variants": [{"name": "soft", "share": 0.25}, {"name": "loud", "share": 0.75}],
        "if": "purchases.count > 1",
        "steps": [
            {"send": "win-back"},
            {"wait_for": {"event": "review.posted", "at_most": "3d"}},
            {"wait_until": "09:00"},
            {"branch": {"if": "sends.count > 1", "then": [{"send": "thank-you"}]}},
        ],
    }
    (tmp_path / "mine.yaml").write_text(rules_text(rules=[back], holdout=0.1))
    found = rapport("check", "mine.yaml", cwd=tmp_path, COLUMNS="300")
    assert found.returncode == 0, found.stderr
    rows = [" ".join(row.split()) for row in found.stdout.splitlines()]
    steps = "send win-back, until review.posted, 3d at most, until 09:00, (send thank-you) else (nothing)"
    assert f"win-back {steps} purchase.made within 14d soft 25 %, loud 75 % 5 %" in rows
    assert "held out 10 % of customers get no marketing, for comparison" in rows
    assert "win-back if purchases.count > 1 - - - -" in rows
    assert "thank-you marketing email win-back -" in rows


def test_what_the_gate_goes_by_is_shown(tmp_path: Path) -> None:
    [back] = only("win-back", priority=5, group="offers")
    windows = {"marketing": {"days": ["mon", "fri"], "from": "09:00", "to": "18:00"}}
    limits = {"email": {"max": 1000, "per": "1m"}}
    text = rules_text(rules=[back], send_windows=windows, rate_limits=limits, outranked_within="6h")
    (tmp_path / "mine.yaml").write_text(text)
    found = rapport("check", "mine.yaml", cwd=tmp_path, COLUMNS="200")
    assert found.returncode == 0, found.stderr
    rows = [" ".join(row.split()) for row in found.stdout.splitlines()]
    assert "win-back purchase.made 60d of quiet win-back email marketing 5 offers" in rows
    assert "marketing goes mon, fri from 09:00 to 18:00" in rows
    assert "yields to a message of higher priority that is due within 6h" in rows
    assert "email sends 1,000 in 1m at most" in rows
