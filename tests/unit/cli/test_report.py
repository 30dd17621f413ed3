"""``rapport report``: the file it writes, and the letter that it goes with."""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import msgspec
import pytest
from aiosmtpd.controller import Controller

from rapport.client import Client
from rapport.report.cli import Asked, report, write
from rapport.report.mail import letter, send, settings_of, written
from rapport.trouble import TroubleError
from tests.unit.followup.mailserver import Inbox, free_port

PART = {
    "label": "half within",
    "value": "3 h",
    "between": "",
    "change": {"by": "▲ 1 h", "before": "2 h", "clear": True},
}
SAID: Mapping[str, Any] = {
    "days": "16 to 22 November 2026",
    "before": "9 to 15 November 2026",
    "from": "2026-11-16",
    "moved": ["First answer (half within) rose from 2 h to 3 h."],
    "sections": [
        {
            "name": "Complaints & answers",
            "figures": [
                {"name": "x", "title": "First answer", "parts": [PART], "counts": []},
                {
                    "name": "y",
                    "title": "Causes",
                    "parts": [],
                    "counts": [{"name": "<late>", "now": "9", "before": "3"}],
                },
            ],
        }
    ],
}
SENDER = ("Rapport Störe", "hello@rapport.example")


class Api(BaseHTTPRequestHandler):
    """Answers with the report, as what is asked for; at /rules with the sender."""

    asked: list[str]

    def do_GET(self) -> None:
        self.server.asked.append(self.path)  # type: ignore[attr-defined]  # a list of the test's own
        html = "text/html" in self.headers.get("Accept", "")
        body = b"<!doctype html>\n" + b"x" * 2000 if html else msgspec.json.encode(SAID)
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def api() -> Iterator[tuple[dict[str, str], list[str]]]:
    server = HTTPServer(("127.0.0.1", 0), Api)
    asked: list[str] = []
    server.asked = asked  # type: ignore[attr-defined]  # for the handler
    thread = Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield (
        {
            "RAPPORT_METRICS_URL": f"http://127.0.0.1:{server.server_port}",
            "RAPPORT_API_KEY": "a-key-for-this",
        },
        asked,
    )
    server.shutdown()
    server.server_close()
    thread.join()


def test_it_is_written_and_named_after_its_days(
    api: tuple[dict[str, str], list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    env, asked = api
    with Client(env) as client:
        file = write(client, Asked("week", date(2026, 11, 26), segment="a&b"))
        other = write(client, Asked("month"), tmp_path / "there" / "r.html")
    assert file.name == "report-week-2026-11-16.html"
    assert file.read_text().startswith("<!doctype html>")
    assert other.exists()
    assert asked[0] == "/report?period=week&until=2026-11-26&segment=a%26b"


def test_a_week_and_a_month_are_two_reports() -> None:
    with pytest.raises(TroubleError, match="--week or --month"):
        report(week=True, month=True)


def parsed(raw: bytes) -> EmailMessage:
    found = message_from_bytes(raw, policy=policy.default)
    assert isinstance(found, EmailMessage)
    return found


def test_the_letter_says_the_figures_and_carries_the_file(tmp_path: Path) -> None:
    file = tmp_path / "report-week-2026-11-16.html"
    file.write_text("<!doctype html><title>ü</title>" + "x" * 2000)
    raw = written(letter(SAID, file), SENDER, ["Boss <boss@example.org>"], datetime(2026, 11, 23, tzinfo=UTC))
    assert all(len(line) <= 998 for line in raw.split(b"\r\n"))
    mail = parsed(raw)
    assert mail["Subject"] == "How customers are doing: 16 to 22 November 2026"
    assert mail["From"].addresses[0].display_name == "Rapport Störe"
    plain, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert plain is not None
    assert html is not None
    assert "- First answer (half within): 3 h (▲ 1 h, from 2 h)" in plain.get_content()
    assert "- Causes: <late>: 9 (from 3)" in plain.get_content()
    assert "Causes: &lt;late&gt;" in html.get_content()
    assert "a clear change" in html.get_content()
    [beside] = mail.iter_attachments()
    assert beside.get_filename() == file.name
    assert beside.get_content() == file.read_text()


def test_what_is_no_address_is_said(tmp_path: Path) -> None:
    file = tmp_path / "r.html"
    file.write_text("x")
    with pytest.raises(TroubleError, match="is no address"):
        written(letter(SAID, file), SENDER, ["a\nBcc: all@example.org"], datetime(2026, 11, 23, tzinfo=UTC))
    with pytest.raises(TroubleError, match="RAPPORT_SMTP_PORT"):
        settings_of({"RAPPORT_SMTP_PORT": "many"})


def test_it_goes_by_the_mail_server(tmp_path: Path) -> None:
    file = tmp_path / "r.html"
    file.write_text("x")
    inbox = Inbox()
    server = Controller(inbox, hostname="127.0.0.1", port=free_port())
    server.start()
    env = {"RAPPORT_SMTP_HOST": "127.0.0.1", "RAPPORT_SMTP_PORT": str(server.port)}
    try:
        send(env, letter(SAID, file), SENDER, ["a@example.org", "b@example.org"])
        inbox.rcpt["c@example.org"] = "550 5.1.1 Nobody"
        with pytest.raises(TroubleError, match="did not take the report"):
            send(env, letter(SAID, file), SENDER, ["c@example.org"])
    finally:
        server.stop()
    assert inbox.recipients == ["a@example.org", "b@example.org"]
    assert [message["To"] for message in inbox.messages] == ["a@example.org, b@example.org"]
    with pytest.raises(TroubleError, match="did not take the report"):
        send(env, letter(SAID, file), SENDER, ["a@example.org"])
