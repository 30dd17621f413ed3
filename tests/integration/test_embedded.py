"""`rapport up --parts infra` for real: what it says, what it survives, what it leaves behind."""

import json
import os
import signal
import smtplib
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from rapport.home import Home, read_env
from rapport.processes import alive
from shared.schemas.topics import TOPICS

with warnings.catch_warnings():  # its schemas' loader is deprecated in Python 3.11
    warnings.simplefilter("ignore", DeprecationWarning)
    from kafka import KafkaProducer

pytestmark = pytest.mark.integration


class Stack:
    """The command line in a home of its own."""

    def __init__(self, root: Path) -> None:
        self.home = Home(root)
        kept = {k: v for k, v in os.environ.items() if not k.startswith("RAPPORT_")}
        self.environ = {**kept, "RAPPORT_HOME": str(root), "COLUMNS": "200"}

    def __call__(self, *arguments: str, code: int = 0, **environ: str) -> str:
        command = [sys.executable, "-m", "rapport", *arguments]
        done = subprocess.run(
            command, env={**self.environ, **environ}, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == code, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done.stdout + done.stderr

    def parts(self) -> dict[str, dict[str, Any]]:
        return {part["name"]: part for part in json.loads(self("status", "--json"))["parts"]}

    @property
    def env(self) -> dict[str, str]:
        return read_env(self.home)


def eventually(true: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.2)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    stack = Stack(tmp_path_factory.mktemp("home"))
    try:
        stack("up", "--detach", "--parts", "infra")
        yield stack
    finally:
        stack("down")


def test_status_and_env_name_what_runs(stack: Stack) -> None:
    parts = stack.parts()
    assert list(parts) == ["kafka", "mongo", "smtp"]
    for part in parts.values():
        assert part["state"] == "ready"
        assert part["restarts"] == 0
        os.kill(part["pid"], 0)
    assert stack.env["RAPPORT_KAFKA"] == f"127.0.0.1:{parts['kafka']['port']}"
    assert len(stack.env["RAPPORT_API_KEY"]) >= 32
    with MongoClient[dict[str, Any]](stack.env["RAPPORT_MONGO"]) as client:
        assert client.admin.command("ping")["ok"] == 1


def test_a_second_up_says_what_runs(stack: Stack) -> None:
    before = stack.parts()
    said = stack("up", "--detach")
    assert "Already up" in said
    assert "kafka" in said
    assert stack.parts() == before


def test_a_mail_is_a_file_unless_refused(stack: Stack) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "shop@example.com", "ann@example.com", "Thank you"
    mail.set_content("Käse\n")
    stack.home.refusals.write_text("full@* 452 4.2.2 Mailbox full\n")
    with smtplib.SMTP("127.0.0.1", int(stack.env["RAPPORT_SMTP_PORT"]), timeout=10) as client:
        client.send_message(mail)
        with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
            client.send_message(mail, to_addrs=["full@example.com"])
    assert refused.value.recipients["full@example.com"][0] == 452
    (file,) = (Path(stack.env["RAPPORT_MAILBOX"]) / "new").iterdir()
    assert "Delivered-To: ann@example.com" in file.read_text()


def test_topics_are_there_and_differences_are_found_and_mended(stack: Stack) -> None:
    assert "as they should be" in stack("topics", "check")
    assert "loyalty.dlq" in stack("topics", "check", code=1, RAPPORT_PARTITIONS="5")
    assert "cannot shrink" in stack("topics", "grow", "2", code=1)
    assert f"{2 * len(TOPICS)} topics have 5 partitions" in stack("topics", "grow", "5")
    assert "as they should be" in stack("topics", "apply")
    assert "to 2018-07-01T00:00:00+00:00 on 5 partitions" in stack("clock", "advance", "2018-07-01")
    assert json.loads(stack("lag", "--json")) == []


def test_a_dead_letter_is_listed_shown_and_replayed_once(stack: Stack) -> None:
    headers = [
        ("content-type", b"application/cloudevents+json"),
        ("rapport-dead-letter-id", b"loyalty/purchases/0/7"),
        ("rapport-service", b"loyalty"),
        ("rapport-error", b"unknown_order"),
        ("rapport-error-detail", b"no such order"),
        ("rapport-origin", b"purchases/0/7"),
        ("rapport-failed-at", b"2026-11-22T00:00:00+00:00"),
    ]
    producer = KafkaProducer(bootstrap_servers=stack.env["RAPPORT_KAFKA"])
    producer.send("purchases.dlq", b'{"id":"r-7"}', b"cust-1", headers, partition=0).get(timeout=10)
    producer.close()

    def listed() -> list[dict[str, Any]]:
        return list(json.loads(stack("dlq", "list", "--json")))

    row = {"topic": "purchases", "service": "loyalty", "reason": "unknown_order"}
    assert listed() == [{**row, "waiting": 1, "replayed": 0}]
    shown = stack("dlq", "show", "purchases")
    assert all(text in shown for text in ("purchases/0/7", "no such order", "cust-1", '{"id":"r-7"}'))
    assert "0 dead letters sent back" in stack("dlq", "replay", "purchases", "--reason", "json")
    assert "1 dead letter sent back" in stack("dlq", "replay", "purchases")
    assert listed() == [{**row, "waiting": 0, "replayed": 1}]
    assert "0 dead letters sent back" in stack("dlq", "replay", "purchases")


def test_a_killed_broker_comes_back_with_its_data(stack: Stack) -> None:
    before = stack.parts()["kafka"]
    os.kill(before["pid"], signal.SIGKILL)
    eventually(lambda: stack.parts()["kafka"]["restarts"] == 1)
    eventually(lambda: stack.parts()["kafka"]["state"] == "ready")
    after = stack.parts()
    assert after["kafka"]["pid"] != before["pid"]
    assert after["kafka"]["port"] == before["port"]
    assert after["mongo"]["restarts"] == 0
    assert "unknown_order" in stack("dlq", "list")


def test_parts_of_a_killed_supervisor_are_found_and_down_leaves_nothing(stack: Stack) -> None:
    parts = stack.parts()
    key = stack.env["RAPPORT_API_KEY"]
    supervisor = json.loads(stack.home.pid_file.read_text())
    os.kill(supervisor["pid"], signal.SIGKILL)
    eventually(lambda: not alive(supervisor))
    assert stack.parts() == {}
    assert "down` stops them" in stack("status")
    assert "Stopped" in stack("down")
    assert not any(alive({"pid": part["pid"], "birth": part["birth"]}) for part in parts.values())
    assert not stack.home.env_file.exists()
    assert not stack.home.pid_file.exists()
    assert "Nothing ran" in stack("down")
    # The next test of this module, or the fixture's end, finds a home that can start again.
    stack("up", "--detach", "--parts", "smtp")
    assert stack.env["RAPPORT_API_KEY"] == key


def test_a_part_that_cannot_start_is_named_with_its_log_and_all_is_stopped(tmp_path: Path) -> None:
    stack = Stack(tmp_path)
    (tmp_path / "mailbox").write_text("a file where a folder should be")
    said = stack("up", "--detach", "--parts", "infra", code=1)
    assert "NotADirectoryError" in said
    assert "smtp did not start" in said
    assert stack.parts() == {}
    assert "Nothing ran" in stack("down")
