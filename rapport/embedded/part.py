"""One part of the stack: a process with a log, a way to tell that it is ready, and an end."""

import contextlib
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGKILL, SIGTERM
from threading import Event, Lock
from types import TracebackType

from rapport.embedded.ports import HOST
from rapport.home import Home
from rapport.processes import identity, signal_group
from rapport.trouble import TroubleError, diagnose

LOG_LIMIT = 8 * 1024 * 1024
TAIL_LINES = 30


@dataclass(frozen=True, slots=True)
class Spec:
    """What there is to know about a part before it runs."""

    name: str
    command: Callable[[], list[str]]
    """Made anew for each start."""
    ready: Callable[[], bool]
    """Asks the part itself; quick, and False rather than an exception while it is not there."""
    port: int
    host: str = HOST
    """By which others reach it."""
    env: Mapping[str, str] = field(default_factory=dict)
    """The whole environment of the process."""
    needs: tuple[str, ...] = ()
    """Parts that must be ready before this one starts for the first time."""
    prepare: Callable[[], None] = lambda: None
    """Before each start: data folders and such."""
    settle: Callable[[], None] = lambda: None
    """After it is ready, before others may rely on it."""
    stopped: Callable[[], None] = lambda: None
    """After it ended by request."""
    start_seconds: float = 90.0
    stop_seconds: float = 10.0
    stop_order: int = 0
    """Parts with the lowest number stop first."""


class PartFailedError(TroubleError):
    """A part ended or was not ready in time. ``tail``: the last lines of its log."""

    def __init__(self, part: str, reason: str, tail: list[str]) -> None:
        cause = diagnose(tail)
        super().__init__(f"{part} {reason}." + (f" {cause}" if cause else ""))
        self.part = part
        self.tail = tail


class Part:
    """A part's process. Every method may be called again; ``stop`` from any thread."""

    def __init__(self, spec: Spec, home: Home) -> None:
        self.spec = spec
        self.home = home
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = Lock()
        self._stopping = Event()

    @property
    def name(self) -> str:
        return self.spec.name

    @property
    def port(self) -> int:
        return self.spec.port

    @property
    def address(self) -> str:
        """``host:port``."""
        return f"{self.spec.host}:{self.port}"

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    @property
    def running(self) -> bool:
        return self.pid is not None

    @property
    def log(self) -> Path:
        return self.home.log(self.name)

    def tail(self, lines: int = TAIL_LINES) -> list[str]:
        """The last lines of its log."""
        return tail(self.log, lines)

    def start(self) -> None:
        """Start the process, without waiting. Raises TroubleError when the program is not there."""
        self._stopping.clear()
        self.home.create()
        self.spec.prepare()
        self._rotate_log()
        with self._lock:
            if self._stopping.is_set() or self.running:
                return
            with open(self.log, "ab") as log:
                log.write(f"--- {time.strftime('%Y-%m-%dT%H:%M:%S%z')} {self.name} starts\n".encode())
                log.flush()
                # Its own session: Ctrl-C in a terminal is for the supervisor, which stops parts in order.
                self._process = subprocess.Popen(
                    self.spec.command(),
                    env=dict(self.spec.env) or None,
                    cwd=self.home.root,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )

    def wait_ready(self, seconds: float | None = None) -> None:
        """Wait until it answers and has settled. Raises PartFailedError."""
        limit = seconds or self.spec.start_seconds
        deadline = time.monotonic() + limit
        pause = 0.05
        while not self._stopping.is_set():
            process = self._process
            if process is None or process.poll() is not None:
                code = None if process is None else process.returncode
                raise PartFailedError(self.name, f"ended while it started ({_ending(code)})", self.tail())
            if self.spec.ready():
                self.spec.settle()
                return
            if time.monotonic() > deadline:
                raise PartFailedError(self.name, f"was not ready within {limit:.0f} s", self.tail())
            self._stopping.wait(pause)
            pause = min(pause * 1.3, 0.3)

    def is_ready(self) -> bool:
        return self.running and self.spec.ready()

    def wait_exit(self, seconds: float) -> int | None:
        """The exit code once it ended, None when it still runs after ``seconds``."""
        process = self._process
        if process is None:
            return 0
        with contextlib.suppress(subprocess.TimeoutExpired):
            return process.wait(seconds)
        return None

    def kill(self) -> None:
        """End it at once, as a crash would."""
        if (pid := self.pid) is not None:
            signal_group(pid, SIGKILL)
            self.wait_exit(5)

    def stop(self) -> None:
        """Ask it to end, insist after ``stop_seconds``."""
        self._stopping.set()
        with self._lock:
            process = self._process
        if process is None:
            return
        if process.poll() is None:
            process.send_signal(SIGTERM)
            if self.wait_exit(self.spec.stop_seconds) is None:
                self.kill()
        self.spec.stopped()

    def identity(self) -> dict[str, object] | None:
        """What a later command recognises the process by."""
        return identity(pid) if (pid := self.pid) is not None else None

    def _rotate_log(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            if self.log.stat().st_size > LOG_LIMIT:
                self.log.replace(self.log.with_suffix(".log.1"))

    def __enter__(self) -> "Part":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def tail(path: Path, lines: int = TAIL_LINES) -> list[str]:
    """The last lines of a file, of its last 64 KiB; none if it is not there."""
    try:
        with open(path, "rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - 65_536))
            return file.read().decode(errors="replace").splitlines()[-lines:]
    except FileNotFoundError:
        return []


def _ending(code: int | None) -> str:
    if code is None:
        return "it never ran"
    return f"signal {-code}" if code < 0 else f"exit code {code}"
