"""``rapport rules results`` against an API that answers as followup does."""

import json
from datetime import date
from pathlib import Path

from services.followup.domain.results.cells import Cell
from services.followup.domain.results.report import report
from services.followup.models.results import ResultsAnswer, results_answer
from tests.unit.rules.test_check import rapport
from tests.unit.rules.test_preview import api

DAYS = date(2026, 3, 1), date(2026, 4, 1)


def answer(rule: str, holdout: int = 100) -> ResultsAnswer:
    sums = {
        Cell(rule, "2026-03-02", "", "a"): {"planned": 9, "sent": 5, "suppressed_no_consent": 3},
        Cell(rule, "2026-03-02", "", "b"): {"planned": 1, "cancelled_erased": 1},
        Cell(rule, "2026-03-02", "@", "a"): {"assigned": 900, "reached": 300},
        Cell(rule, "2026-03-02", "@", "holdout"): {"assigned": holdout, "reached": 30},
    }
    return results_answer(rule, *DAYS, report(sums, {"a": 0.9, "holdout": 0.1}))


def test_a_rule_is_shown_with_its_parts_and_its_lift(tmp_path: Path) -> None:
    path = "/rules/win-back/results?from=2026-03-01"
    with api({path: (200, answer("win-back").model_dump(mode="json"))}) as url:
        told = {"RAPPORT_FOLLOWUP_URL": url, "RAPPORT_API_KEY": "the key of the tests"}
        found = rapport("results", "win-back", "--from", "2026-03-01", cwd=tmp_path, **told)
    assert found.returncode == 0, found.stderr
    rows = [" ".join(row.split()) for row in found.stdout.splitlines()]
    assert "win-back 10 5 0 0 0 1 no_consent 3, cancelled: erased 1" in rows
    assert "- b 1 0 0 0 0 0 cancelled: erased 1" in rows
    assert "a 90% 900 300 33.3% 30.3% to 36.5%" in rows
    assert any(row.startswith("a against holdout: +3.3 points (95 %: ") for row in rows)
    assert any(row.endswith("no difference shown") for row in rows)
    assert f"{url}/marketing" in found.stdout


def test_all_rules_are_a_line_each_and_a_wrong_split_is_said(tmp_path: Path) -> None:
    one, other = answer("one", 300), answer("other")
    answers = {
        "/rules": (200, {"rules": [{"name": "one"}, {"name": "other"}]}),
        "/rules/one/results?": (200, one.model_dump(mode="json")),
        "/rules/other/results?": (200, other.model_dump(mode="json")),
        "/rules/none/results?": (404, {"code": "not_found", "detail": "There is no rule none."}),
    }
    with api(answers) as url:
        told = {"RAPPORT_FOLLOWUP_URL": url, "RAPPORT_API_KEY": "the key of the tests"}
        found = rapport("results", cwd=tmp_path, **told)
        assert "by step and variant" not in found.stdout
        assert [json.loads(rapport("results", "--json", cwd=tmp_path, **told).stdout)[1]["rule"]] == ["other"]
        assert "do not believe" in rapport("results", "one", cwd=tmp_path, **told).stdout
        unknown = rapport("results", "none", cwd=tmp_path, **told)
    assert (unknown.returncode, unknown.stderr) == (1, "There is no rule none.\n")
