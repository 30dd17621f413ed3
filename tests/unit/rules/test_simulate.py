"""``rapport rules simulate``: who would get what, who no longer, why, and what publishing would touch."""

import json
from pathlib import Path

import pytest

from rapport.rules.compare import NOTHING, Change, Compared, compare
from rapport.rules.draft import Draft
from rapport.rules.html import simulation_page
from rapport.rules.notes import notes
from rapport.rules.page import Page
from rapport.rules.stream import Heard
from rapport.simulate.memory import Arrival
from shared.schemas.complaints import ComplaintUpdated
from shared.schemas.customers import CustomerUpdated
from tests.unit.followup.driver import opened
from tests.unit.rules.recordings import bought, draft, joined, only, rules_text, told, write
from tests.unit.rules.test_check import rapport
from tests.unit.rules.test_run import history

UPDATE = ComplaintUpdated(complaint_id="k-1", message="soon")


def compared(arrivals: list[Arrival], base: Draft, other: Draft) -> Compared:
    found = compare(Heard(sorted(arrivals, key=lambda one: one[0])), base, other)
    assert found is not None
    return found


def test_who_gets_a_message_no_longer_and_why(tmp_path: Path) -> None:
    arrivals = [*joined("c-1"), *joined("c-2"), bought(1, "c-1"), bought(2, "c-1"), bought(1, "c-2")]
    base = draft(tmp_path, rules=only("thank-you", at_most_one_in="1h"))
    capped = {"max": 1, "per": "30d", "purposes": ["marketing"]}
    other = draft(tmp_path, rules=only("thank-you", at_most_one_in="1h"), frequency_cap=capped)
    found = compared([*arrivals, bought(10, "c-2"), bought(11, "c-3")], base, other)
    assert (found.baseline.sent, found.draft.sent) == (4, 2)
    change = Change("thank-you", "sent", "suppressed: frequency_cap")
    assert list(found.moves) == [change]
    assert (found.moves[change].times, found.moves[change].customers) == (2, {"c-1", "c-2"})
    one, under = found.moves[change].examples[0]
    assert one is not None
    assert under is not None
    assert (one.customer, one.trigger, one.outcome) == ("c-1", under.trigger, "sent")
    assert found.by_rule["thank-you"].lose == {"c-1", "c-2"} == found.overall.lose
    assert found.overall.gain == frozenset()


def test_a_rule_that_is_new_and_one_that_is_taken_out(tmp_path: Path) -> None:
    arrivals = [*joined(), bought(1), bought(100)]
    found = compared(
        arrivals, draft(tmp_path, rules=only("thank-you")), draft(tmp_path, rules=only("win-back"))
    )
    assert {(c.rule, c.before, c.after): m.times for c, m in found.moves.items()} == {
        ("thank-you", "sent", NOTHING): 1,
        ("thank-you", "waiting", NOTHING): 1,
        ("win-back", NOTHING, "sent"): 1,
    }
    assert found.rules == ["win-back", "thank-you"]
    assert found.draft.per_customer == {"c-1": 1}


def test_what_publishing_touches(tmp_path: Path) -> None:
    arrivals = [*joined("c-1"), *joined("c-2"), bought(1, "c-1"), bought(1.01, "c-2"), bought(1.02, "c-2")]
    base = draft(tmp_path, rules=only("thank-you", "win-back"))
    other = draft(tmp_path, rules=only("win-back", delay="30d", description="sooner"))
    found = compared(arrivals, base, other)
    middle = {one.rule: one for one in found.between}
    assert (middle["thank-you"].change, middle["thank-you"].messages) == ("taken out", 2)
    back = middle["win-back"]
    assert (back.change, back.fields, back.customers) == ("changed", ("delay",), {"c-1", "c-2"})
    assert None not in (back.first, back.last)
    assert back.first != back.last
    same = compared(arrivals, base, draft(tmp_path, rules=only("thank-you", "win-back", description="x")))
    assert (same.between, same.moves) == ([], {})


def test_variables_that_would_be_empty_are_counted(tmp_path: Path) -> None:
    same = draft(tmp_path, rules=only("complaint-update"))
    nameless = told(0, CustomerUpdated(email="x@example.org"), "c-1")
    said = [told(0.5, opened(), one) for one in ("c-1", "c-2")]
    said += [told(1, UPDATE, one) for one in ("c-1", "c-2")]
    empties = compared([nameless, *joined("c-2"), *said, bought(2)], same, same).draft.empties
    assert empties.written == {"complaint-update": 2}
    assert empties.empty == {
        ("complaint-update", "promised_by"): 2,
        ("complaint-update", "customer.name"): 1,
    }


@pytest.mark.parametrize("seed", range(3))
def test_the_books_balance_and_a_draft_that_changes_nothing_changes_nothing(
    seed: int, tmp_path: Path
) -> None:
    same = draft(tmp_path)
    found = compared(history(seed), same, same)
    for result in (found.baseline, found.draft):
        assert result.fault is None
        assert all(count.balanced for count in result.rules.values())
        assert result.sent == result.messages.by_month().total() > 0
    assert (found.moves, found.between) == ({}, [])
    assert found.overall.gain == found.overall.lose == frozenset()


def test_rules_that_never_start_are_said(tmp_path: Path) -> None:
    heard = Heard([*joined(), bought(1)])
    base = draft(tmp_path, rules=only("tier-up", "complaint-check", "thank-you"))
    found = compare(heard, base, base)
    assert found is not None
    sentences = notes(found, heard, 3)
    assert any(s.startswith("tier-up never starts: tier.changed is not heard, Rapport") for s in sentences)
    assert any(s.startswith("complaint-check never starts: complaint.resolved is not") for s in sentences)
    assert not any("thank-you" in s for s in sentences)
    assert sentences[-1].startswith("3 events of Rapport's own types are left out")


def test_the_page_needs_nothing_beside_it_and_escapes_what_it_shows(tmp_path: Path) -> None:
    evil = "<script>alert(1)</script>"
    base, other = draft(tmp_path, rules=only("thank-you")), draft(tmp_path, rules=only("win-back"))
    shown = Page((evil,), compared([*joined(), bought(1), bought(90)], base, other), (evil,))
    page = simulation_page(shown)
    assert "<script" not in page
    assert page.count("&lt;script&gt;") == 3
    assert "http" not in page.replace("http-equiv", "")
    assert "<svg" in page
    assert "win-back" in page


def test_the_command_shows_writes_and_tells(tmp_path: Path) -> None:
    (tmp_path / "draft.yaml").write_text(rules_text(rules=only("thank-you", delay="5h")))
    (tmp_path / "base.yaml").write_text(rules_text(rules=only("thank-you")))
    write(tmp_path / "in.jsonl", [*joined(), bought(1), bought(40)])
    asked = ("simulate", "draft.yaml", "--against", "in.jsonl", "--base", "base.yaml")
    found = rapport(*asked, "--html", "page.html", cwd=tmp_path)
    assert found.returncode == 0, found.stderr
    assert "draft draft.yaml, baseline base.yaml" in found.stdout
    assert "changed: delay" in found.stdout
    assert (tmp_path / "page.html").read_text().startswith("<!doctype html>")
    told = json.loads(rapport(*asked, "--json", "--to", "2026-03-10", cwd=tmp_path).stdout)
    assert told["events"] == 3
    assert told["draft"]["rules"]["thank-you"]["sent"] == 1
    assert told["in_the_middle"][0]["fields"] == ["delay"]


def test_bad_lines_and_an_empty_time_are_sentences(tmp_path: Path) -> None:
    (tmp_path / "draft.yaml").write_text(rules_text())
    (tmp_path / "bad.jsonl").write_text("{}\n")
    found = rapport("simulate", "draft.yaml", "--against", "bad.jsonl", cwd=tmp_path)
    assert found.returncode == 1
    assert "1 bad lines in bad.jsonl: nothing was simulated." in found.stderr
    write(tmp_path / "in.jsonl", joined())
    found = rapport("simulate", "draft.yaml", "--against", "in.jsonl", "--to", "2020-01-01", cwd=tmp_path)
    assert "There is no event in in.jsonl up to 2020-01-01." in found.stderr
