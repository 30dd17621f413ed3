"""``rapport rules preview``: of a draft by a recording, and of the rules in force by followup's API."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from tests.unit.followup.driver import NOON, Driver, opened, previewed, profile
from tests.unit.rules.recordings import bought, joined, only, rules_text, write
from tests.unit.rules.test_check import rapport

TWO = rules_text(rules=only("thank-you", "win-back"))


def test_a_draft_is_tried_on_the_events_of_a_customer(tmp_path: Path) -> None:
    (tmp_path / "draft.yaml").write_text(TWO)
    write(tmp_path / "in.jsonl", [*joined(), bought(1), *joined("c-2", consent=False), bought(2, "c-2")])
    asked = ("preview", "draft.yaml", "--against", "in.jsonl", "--customer", "c-1", "--customer", "c-2")
    found = rapport(*asked, "--text", cwd=tmp_path)
    assert found.returncode == 0, found.stderr
    rows = [row.split() for row in found.stdout.splitlines()]
    assert any(row[:3] == ["thank-you", "no:", "duplicate,"] for row in rows)
    assert ["win-back", "send", "2026-05-02", "12:00", "email:", "c-1@example.org"] in rows
    assert any(row[:3] == ["thank-you", "no:", "no_consent,"] for row in rows)
    assert "Dear Ada Byron," in found.stdout


def test_it_is_as_things_stood_at_the_time_asked_for(tmp_path: Path) -> None:
    (tmp_path / "draft.yaml").write_text(TWO)
    write(tmp_path / "in.jsonl", [*joined(), bought(1), bought(30)])
    asked = ("preview", "draft.yaml", "--against", "in.jsonl", "--customer", "c-1", "--rule", "thank-you")
    found = rapport(*asked, "--at", "2026-03-03T13:00:00Z", cwd=tmp_path)
    rows = [row.split() for row in found.stdout.splitlines()]
    assert ["thank-you", "send", "2026-03-03", "14:00", "email:", "c-1@example.org"] in rows
    night = rapport(*asked, "--at", "2026-03-02T23:00:00Z", cwd=tmp_path)
    assert "wait until 2026-03-03 08:00: quiet_hours" in night.stdout


def test_who_or_what_is_not_there_is_said(tmp_path: Path) -> None:
    (tmp_path / "draft.yaml").write_text(TWO)
    write(tmp_path / "in.jsonl", joined())
    asked = ("preview", "draft.yaml", "--against", "in.jsonl", "--customer")
    for words, sentence in (
        ((*asked, "c-9"), "There is no customer c-9."),
        ((*asked, "c-1", "--rule", "x"), "There is no rule x."),
        ((*asked, "c-1", "--at", "2020-01-01"), "There is no event in in.jsonl up to 2020-01-01."),
        (("preview", "draft.yaml", "--customer", "c-1"), "A draft is tried on a recording"),
        (("preview", "--at", "2026-01-01", "--customer", "c-1"), "--against and --at are for a draft"),
    ):
        found = rapport(*words, cwd=tmp_path)
        assert found.returncode == 1
        assert sentence in found.stderr


@contextmanager
def api(answers: dict[str, tuple[int, Any]]) -> Iterator[str]:
    """Its URL; it answers by path."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"] or 0))
            status, body = answers[self.path]
            told = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(told)))
            self.end_headers()
            self.wfile.write(told)

        do_POST = do_GET

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def test_the_rules_in_force_are_asked_of_the_api(tmp_path: Path) -> None:
    driver = Driver(now=NOON + timedelta(hours=10))
    driver.event(profile())
    rule = driver.policy.rules.rule("complaint-check")
    assert rule is not None
    answers = {
        "/rules": (200, {"rules": [{"name": "complaint-check"}, {"name": "broken"}]}),
        "/rules/complaint-check/preview": (200, previewed(driver, rule).model_dump(mode="json")),
        "/rules/broken/preview": (409, {"code": "template", "detail": "The message cannot be written: x."}),
    }
    with api(answers) as url:
        told = {"RAPPORT_FOLLOWUP_URL": url, "RAPPORT_API_KEY": "the key of the tests"}
        found = rapport("preview", "--customer", "c-1", cwd=tmp_path, **told)
    assert found.returncode == 0, found.stderr
    rows = [" ".join(row.split()) for row in found.stdout.splitlines()]
    assert "complaint-check wait until 2026-03-03 08:00: quiet_hours - email: ada@example.org" in rows
    assert "cannot be written: The message cannot be written: x." in found.stdout


def test_each_step_of_the_gate_is_explained(tmp_path: Path) -> None:
    driver = Driver(now=NOON + timedelta(hours=10))
    driver.event(profile())
    driver.event(opened())
    rule = driver.policy.rules.rule("thank-you")
    assert rule is not None
    answers = {
        "/rules/thank-you/preview": (200, previewed(driver, rule).model_dump(mode="json")),
        "/rules/broken/preview": (409, {"code": "template", "detail": "The message cannot be written: x."}),
        "/rules/none/preview": (404, {"code": "not_found", "detail": "There is no rule none."}),
    }
    with api(answers) as url:
        told = {"RAPPORT_FOLLOWUP_URL": url, "RAPPORT_API_KEY": "the key of the tests"}
        found = rapport("explain", "c-1", "thank-you", cwd=tmp_path, **told)
        as_json = rapport("explain", "c-1", "thank-you", "--json", cwd=tmp_path, **told)
        missing = [rapport("explain", "c-1", name, cwd=tmp_path, **told) for name in ("broken", "none")]
    assert found.returncode == 0, found.stderr
    rows = [" ".join(row.split()) for row in found.stdout.splitlines()]
    assert rows[0].startswith(
        "thank-you for c-1, if it were due now: it does not go (no_consent, open_complaint,"
    )
    assert "no_consent refuse - marketing by email is not allowed" in rows
    assert "open_complaint refuse - k-1 is open" in rows
    assert "quiet_hours wait 2026-03-03 08:00" in rows
    assert "stale pass -" in rows
    assert json.loads(as_json.stdout)["blocked_by"] == ["no_consent", "open_complaint", "quiet_hours"]
    assert [(one.returncode, one.stderr.strip().splitlines()[-1]) for one in missing] == [
        (1, "The message cannot be written: x."),
        (1, "There is no rule none."),
    ]
