"""What the supervisor tells about itself, in ``.rapport/status.json``."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from rapport.embedded.ports import HOST
from rapport.home import Home, read_json
from rapport.processes import alive

State = Literal["waiting", "starting", "ready", "unready", "restarting", "failed", "stopped"]
Phase = Literal["starting", "running", "failed", "stopping"]


@dataclass(frozen=True, slots=True)
class PartStatus:
    name: str
    pid: int | None = None
    state: State = "waiting"
    restarts: int = 0
    port: int | None = None
    host: str = HOST
    birth: str | None = None
    """With the pid, names this process for ever (see rapport.processes)."""
    detail: str | None = None
    """Why it failed or was started again."""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Failure:
    part: str
    message: str
    tail: tuple[str, ...]
    """The last lines of the part's log."""


@dataclass(frozen=True, slots=True)
class Status:
    phase: Phase
    parts: tuple[PartStatus, ...]
    failure: Failure | None = None

    def as_dict(self) -> dict[str, Any]:
        return {
            "phase": self.phase,
            "parts": [part.as_dict() for part in self.parts],
            "failure": asdict(self.failure) if self.failure else None,
        }


def parse(data: Mapping[str, Any]) -> Status:
    """What ``as_dict`` gave."""
    failure = data.get("failure")
    return Status(
        phase=data["phase"],
        parts=tuple(PartStatus(**part) for part in data["parts"]),
        failure=Failure(failure["part"], failure["message"], tuple(failure["tail"])) if failure else None,
    )


def read(home: Home) -> Status | None:
    """The last status written in this home, by whomever."""
    data = read_json(home.status_file)
    try:
        return parse(data) if data else None
    except (KeyError, TypeError):  # another version wrote it
        return None


def supervisor(home: Home) -> dict[str, Any] | None:
    """The identity of the supervisor that runs in this home; a stale pid file is no supervisor."""
    known = read_json(home.pid_file)
    return known if alive(known) else None


def orphans(home: Home) -> list[dict[str, Any]]:
    """Parts that still run though their supervisor was killed, as identities, in the order to stop them."""
    last = read(home)
    if last is None or supervisor(home):
        return []
    known = [{"pid": part.pid, "birth": part.birth} for part in reversed(last.parts)]
    return [identity for identity in known if alive(identity)]
