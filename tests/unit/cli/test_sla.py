"""``rapport sla`` as a user runs it."""

import io
from pathlib import Path

from rich.console import Console

from rapport.sla.outline import outline
from services.interactions.config import load
from tests.commanded import Ran, rapport

POLICY = """
name: mine
versions:
  - effective: 2026-01-01
    calendars:
      office: {timezone: Europe/Paris, hours: {mon: ["09:00-23:59"]}, closed: [2026-05-04]}
      never: {timezone: UTC, hours: all}
    policies:
      - {name: everything, calendar: office, first_response: 1h30m, escalate: [{after: 0m, to: lead}]}
      - {name: vip, when: {tier: [vip, gold]}, calendar: office, first_response: 30m}
compensation: {limits: [{scope: complaints:write, points: 1500}]}
root_causes: [carrier, the warehouse]
"""


def check(text: str, folder: Path) -> Ran:
    (folder / "mine.yaml").write_text(text)
    return rapport("sla", "check", "mine.yaml", cwd=folder)


def test_check_shows_what_the_policy_holds_and_what_looks_like_a_slip(tmp_path: Path) -> None:
    found = check(POLICY, tmp_path)
    assert (found.returncode, found.stderr) == (0, "")
    rows = [row.split() for row in found.stdout.splitlines()]
    assert ["mine.yaml", "is", "valid:", "1", "version."] in rows
    assert ["office", "Europe/Paris", "mon", "09:00-23:59"] in rows
    assert ["closed", "2026-05-04"] in rows
    assert ["everything", "office", "complaints"] in rows
    assert ["everything", "1h30m", "-", "-", "-", "-", "lead", "after", "0m"] in rows
    assert ["vip", "office", "complaints:", "tier", "vip", "or", "gold"] in rows
    assert ["vip", "30m", "-", "-", "-", "-", "-"] in rows
    assert ["complaints:write", "every", "1,500", "-"] in rows
    assert "A resolution may name as root cause: carrier, the warehouse" in found.stdout
    assert "The policy vip fits nothing" in found.stdout
    assert "A window of office ends at 23:59" in found.stdout
    assert "No policy uses the calendar never" in found.stdout


def test_check_names_the_field_at_fault(tmp_path: Path) -> None:
    found = check(POLICY.replace("1h30m", "1d"), tmp_path)
    assert (found.returncode, found.stdout) == (1, "")
    assert "mine.yaml is not valid: versions[0].policies[0].first_response: is in days" in found.stderr
    assert "Traceback" not in found.stderr


def test_nothing_of_a_policy_is_cut_in_a_narrow_terminal() -> None:
    for part in outline(load()):
        file = io.StringIO()
        Console(file=file, width=80).print(part)
        assert "…" not in file.getvalue()
        assert all(len(line) <= 80 for line in file.getvalue().splitlines())
