"""The maildir, refusals, and the supervisor with parts that are real but tiny processes."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from rapport.embedded.part import Part, PartFailedError, Spec
from rapport.embedded.smtp import Maildir, refusal
from rapport.home import Home
from rapport.supervisor import Supervisor

SLEEP = "import time; time.sleep(600)"


def test_the_first_rule_that_matches_answers() -> None:
    rules = "# a comment\n\n*@full.example 452 4.2.2 Mailbox full\nann@* 550 5.1.1 No such user\nbad\n"
    assert refusal(rules, "x@Full.example") == "452 4.2.2 Mailbox full"
    assert refusal(rules, "ann@b.example") == "550 5.1.1 No such user"
    assert refusal(rules, "bob@b.example") is None


def test_a_message_is_a_file_with_its_envelope(tmp_path: Path) -> None:
    path = Maildir(tmp_path / "m").deliver("a@x", ["b@y", "c@z"], b"Subject: Hi\r\n\r\nBody\r\n")
    assert path.parent == tmp_path / "m" / "new"
    assert path.read_bytes() == b"Return-Path: <a@x>\nDelivered-To: b@y, c@z\nSubject: Hi\n\nBody\n"
    assert not list((tmp_path / "m" / "tmp").iterdir())


def spec(name: str, code: str = SLEEP, needs: tuple[str, ...] = (), order: int = 0, **more: object) -> Spec:
    options = {"ready": lambda: True, **more}
    return Spec(
        name,
        command=lambda: [sys.executable, "-c", code],
        port=1,
        needs=needs,
        stop_order=order,
        **options,  # type: ignore[arg-type]
    )


@contextmanager
def running(home: Path, *specs: Spec) -> Iterator[Supervisor]:
    supervisor = Supervisor(Home(home), specs)
    supervisor.start()
    try:
        yield supervisor
    finally:
        supervisor.stop()


def eventually(true: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.02)


def test_a_part_starts_after_those_it_needs_and_all_stop(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    with running(
        tmp_path, spec("web", needs=("store",)), spec("store", ready=gate.exists, order=1)
    ) as supervisor:
        store = supervisor.parts["store"]
        eventually(lambda: store.running)
        assert supervisor.status.parts[0].state == "waiting"
        gate.touch()
        supervisor.wait_ready(20)
        assert [part.state for part in supervisor.status.parts] == ["ready", "ready"]
        pids = [part.pid for part in supervisor.parts.values()]
        assert None not in pids
    assert [part.state for part in supervisor.status.parts] == ["stopped", "stopped"]
    assert not any(part.running for part in supervisor.parts.values())


def test_a_part_that_dies_is_started_again(tmp_path: Path) -> None:
    with running(tmp_path, spec("web"), spec("store")) as supervisor:
        supervisor.wait_ready(20)
        part = supervisor.parts["web"]
        first = part.pid
        part.kill()
        eventually(lambda: supervisor.status.parts[0].restarts == 1)
        eventually(lambda: supervisor.status.parts[0].state == "ready")
        assert part.pid not in (None, first)
        assert supervisor.status.parts[1].restarts == 0


def test_a_part_that_fails_at_the_start_is_named_with_the_end_of_its_log(tmp_path: Path) -> None:
    code = "print('program.yaml: tiers.2.from is no number'); raise SystemExit(2)"
    with running(tmp_path, spec("web", code, ready=lambda: False), spec("store")) as supervisor:
        with pytest.raises(PartFailedError) as caught:
            supervisor.wait_ready(20)
        assert caught.value.part == "web"
        assert caught.value.tail[-1] == "program.yaml: tiers.2.from is no number"
        assert "exit code 2" in str(caught.value)
    assert supervisor.status.phase == "failed"
    assert not supervisor.parts["store"].running


def test_a_part_that_stops_answering_shows_it_and_lives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rapport.supervisor.PROBE_SECONDS", 0.05)
    gate = tmp_path / "gate"
    gate.touch()
    with running(tmp_path, spec("web", ready=gate.exists)) as supervisor:
        supervisor.wait_ready(20)
        pid = supervisor.parts["web"].pid
        gate.unlink()
        eventually(lambda: supervisor.status.parts[0].state == "unready")
        gate.touch()
        eventually(lambda: supervisor.status.parts[0].state == "ready")
        assert supervisor.parts["web"].pid == pid


def test_a_part_that_ignores_sigterm_is_killed(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    code = (
        f"import pathlib, signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        f"pathlib.Path({str(ready)!r}).touch(); time.sleep(600)"
    )
    part = Part(spec("deaf", code, ready=ready.exists, stop_seconds=0.2), Home(tmp_path))
    part.start()
    part.wait_ready(20)
    part.stop()
    assert not part.running
