"""Keeps parts running: starts them in order, waits for each, starts a dead one again, stops them all.

``python -m rapport.supervisor PART...`` is the process behind ``rapport up``.
"""

import contextlib
import fcntl
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import groupby
from threading import Condition, Event, Lock, Thread
from typing import Any

from rapport.backoff import Backoff
from rapport.embedded.part import Part, PartFailedError, Spec
from rapport.embedded.stack import plan
from rapport.home import Home, format_env, write_atomically
from rapport.processes import identity
from rapport.status import Failure, PartStatus, Phase, Status
from rapport.trouble import TroubleError, diagnose, explain

PROBE_SECONDS = 2.0
WATCH_SECONDS = 0.2


class Supervisor:
    """Runs the parts of one plan, one thread per part.

    While starting, a part that fails ends it all; once every part was ready, a part that dies is started
    again with backoff. ``on_change`` gets each new status.
    """

    def __init__(
        self, home: Home, specs: Iterable[Spec], on_change: Callable[[Status], None] = lambda _: None
    ) -> None:
        self.parts = {spec.name: Part(spec, home) for spec in specs}
        self._table = {
            name: PartStatus(name, port=part.port, host=part.spec.host) for name, part in self.parts.items()
        }
        self._phase: Phase = "starting"
        self._failure: Failure | None = None
        self._on_change = on_change
        self._changed = Condition()
        self._telling = Lock()
        self._stop = Event()
        self._threads: list[Thread] = []

    @property
    def status(self) -> Status:
        with self._changed:
            return Status(self._phase, tuple(self._table.values()), self._failure)

    def start(self) -> None:
        """Start every part, without waiting."""
        self._tell()
        for name in self.parts:
            thread = Thread(target=self._keep, args=(self.parts[name],), name=name, daemon=True)
            self._threads.append(thread)
            thread.start()

    def wait_ready(self, seconds: float = 600.0) -> None:
        """Wait until every part is ready. Raises PartFailedError when one failed; call ``stop`` then."""
        with self._changed:
            self._changed.wait_for(lambda: self._phase != "starting", seconds)
            if self._failure is not None:
                failed = PartFailedError(self._failure.part, "failed", list(self._failure.tail))
                failed.args = (self._failure.message,)
                raise failed
            if self._phase == "starting":
                raise TroubleError(f"The stack was not ready within {seconds:.0f} s.")

    def stop(self) -> None:
        """Stop every part: services first, then the servers, the broker last."""
        self._stop.set()
        with self._changed:
            if self._phase != "failed":
                self._phase = "stopping"
            self._changed.notify_all()
        by_order = sorted(self.parts.values(), key=lambda part: part.spec.stop_order)
        for _, group in groupby(by_order, key=lambda part: part.spec.stop_order):
            with ThreadPoolExecutor(len(self.parts)) as pool:
                list(pool.map(self._end, group))
        for thread in self._threads:
            thread.join(5)

    def _end(self, part: Part) -> None:
        part.stop()
        if self._table[part.name].state != "failed":
            self._set(part.name, state="stopped", pid=None, birth=None)

    def _keep(self, part: Part) -> None:
        """A part's thread."""
        backoff = Backoff()
        while self._wait_for(part.spec.needs):
            began = time.monotonic()
            try:
                self._launch(part)
                self._watch(part)
                reason = self._death(part)
            except (TroubleError, OSError) as error:
                reason = _sentence(error)
                part.kill()
            if self._stop.is_set():
                return
            if self._phase == "starting":
                self._fail(part, reason)
                return
            delay = backoff.delay(time.monotonic() - began)
            restarts = self._table[part.name].restarts + 1
            self._set(part.name, state="restarting", pid=None, birth=None, restarts=restarts, detail=reason)
            _say(f"{part.name}: {reason} Starts again in {delay:.1f} s.")
            self._stop.wait(delay)

    def _wait_for(self, needs: Iterable[str]) -> bool:
        """True when all are ready, False when it is time to stop. After the start nobody waits: every
        service rides out the absence of a server by itself."""
        with self._changed:
            self._changed.wait_for(
                lambda: (
                    self._stop.is_set()
                    or self._phase != "starting"
                    or all(self._table[name].state == "ready" for name in needs)
                )
            )
        return not self._stop.is_set()

    def _launch(self, part: Part) -> None:
        self._set(part.name, state="starting")
        part.start()
        self._set(part.name, **_running(part))
        part.wait_ready()
        if not self._stop.is_set():
            self._set(part.name, state="ready", detail=None)
            self._all_ready()

    def _all_ready(self) -> None:
        with self._changed:
            ready = all(status.state == "ready" for status in self._table.values())
            if self._phase == "starting" and ready:
                self._phase = "running"
                self._changed.notify_all()
        self._tell()

    def _watch(self, part: Part) -> None:
        """Returns when the process has ended or it is time to stop."""
        probe_at = time.monotonic() + PROBE_SECONDS
        while not self._stop.is_set() and part.wait_exit(WATCH_SECONDS) is None:
            if time.monotonic() >= probe_at:
                state = self._table[part.name].state
                answer = "ready" if part.spec.ready() else "unready"
                if answer != state and part.running and not self._stop.is_set():
                    self._set(part.name, state=answer)
                probe_at = time.monotonic() + PROBE_SECONDS

    def _death(self, part: Part) -> str:
        code = part.wait_exit(0)
        how = f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"
        return " ".join(filter(None, (f"It ended ({how}).", diagnose(part.tail()))))

    def _fail(self, part: Part, reason: str) -> None:
        tail = part.tail()
        with self._changed:
            if self._failure is None:
                self._failure = Failure(part.name, reason, tuple(tail))
                self._phase = "failed"
            self._changed.notify_all()
        self._set(part.name, state="failed", pid=None, birth=None, detail=reason)

    def _set(self, name: str, **changes: Any) -> None:
        with self._changed:
            self._table[name] = replace(self._table[name], **changes)
            self._changed.notify_all()
        self._tell()

    def _tell(self) -> None:
        with self._telling:
            self._on_change(self.status)


def _running(part: Part) -> dict[str, Any]:
    known = part.identity() or {}
    return {"pid": known.get("pid"), "birth": known.get("birth")}


def _say(line: str) -> None:
    """To our log, unless the disk that holds it is full."""
    with contextlib.suppress(OSError):
        print(time.strftime("%Y-%m-%dT%H:%M:%S%z"), line, flush=True)


def _sentence(error: Exception) -> str:
    return (explain(error) if isinstance(error, OSError) else None) or str(error)


@contextlib.contextmanager
def sole(home: Home) -> Iterator[bool]:
    """Hold the home for this process's life; False when another supervisor has it."""
    with open(home.lock_file, "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        write_atomically(home.pid_file, json.dumps(identity(os.getpid())))
        try:
            yield True
        finally:
            home.pid_file.unlink(missing_ok=True)


class _StatusFile:
    """Writes each status. A full disk must not stop the parts: the file is then merely old."""

    def __init__(self, home: Home) -> None:
        self._path = home.status_file

    def __call__(self, status: Status) -> None:
        try:
            write_atomically(self._path, json.dumps(status.as_dict(), indent=1))
        except OSError as error:
            _say(f"Cannot write {self._path}: {error}.")


def run(home: Home, parts: Iterable[str]) -> int:
    """Run the parts until SIGTERM or SIGINT; the exit code is 1 when the start failed."""
    with sole(home) as alone:
        if not alone:
            return 0
        planned = plan(home, parts)
        asked = Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: asked.set())
        tell = _StatusFile(home)
        supervisor = Supervisor(home, planned.specs, tell)
        supervisor.start()
        written = False
        try:
            while not asked.wait(0.1) and (phase := supervisor.status.phase) != "failed":
                if phase == "running" and not written:
                    # Only now: whoever waits for this file finds a stack that answers.
                    write_atomically(home.env_file, format_env(planned.env), private=True)
                    written = True
        finally:
            supervisor.stop()
            tell(supervisor.status)
            home.env_file.unlink(missing_ok=True)
        return 1 if supervisor.status.phase == "failed" else 0


def main() -> None:
    try:
        code = run(Home.find(), sys.argv[1:])
    except (TroubleError, OSError) as error:
        print(_sentence(error), file=sys.stderr, flush=True)
        code = 1
    raise SystemExit(code)


if __name__ == "__main__":
    main()
