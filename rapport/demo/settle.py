"""Waiting until the platform has done all there is to do: nothing unread, nothing due, nothing unsent."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from pymongo import MongoClient

from rapport import broker, lag
from rapport.trouble import TroubleError
from shared.schemas.services import SERVICES

GROUPS = frozenset(f"{broker.GROUP_PREFIX}{name}" for name in SERVICES)
STALLED_S = 120.0
_POLL_S = 1.0
_QUIET_POLLS = 2
"""So often in a row nothing must be left: what one service does last is another's work."""


@dataclass(frozen=True, slots=True)
class Left:
    """What is still to be done."""

    groups: dict[str, int]
    """Unread records by consumer group."""
    handled: dict[str, int]
    """Records handled, by consumer group."""
    clock: bool = False
    """A service has not heard of the last clock record."""
    timers: bool = False
    messages: bool = False

    @property
    def records(self) -> int:
        return sum(self.groups.values())

    def __bool__(self) -> bool:
        return bool(self.records or self.clock or self.timers or self.messages or GROUPS - set(self.groups))

    def __str__(self) -> str:
        parts = [f"{self.records:,} records unread"] if self.records else []
        missing = sorted(GROUPS - set(self.groups))
        parts += [f"no offsets of {', '.join(missing)} yet"] if missing else []
        parts += [word for word in ("clock", "timers", "messages") if getattr(self, word)]
        return ", ".join(parts) or "nothing"


def unread(rows: Sequence[lag.Lag], clock_told: bool) -> Left:
    """From the lag of each group and partition. ``clock_told``: there are records on the topic ``clock``."""
    groups: dict[str, int] = {}
    handled: dict[str, int] = {}
    heard: dict[str, bool] = {}
    for row in rows:
        if row.group not in GROUPS:
            continue
        groups[row.group] = groups.get(row.group, 0) + row.lag
        handled[row.group] = handled.get(row.group, 0) + (row.committed or 0)
        if row.topic == "clock":
            heard[row.group] = heard.get(row.group, True) and row.committed is not None
    unheard = clock_told and any(not heard.get(group, False) for group in GROUPS)
    return Left(groups, handled, clock=unheard)


class Settling:
    """Asks the broker and the services' databases what is left."""

    def __init__(self, admin: Any, mongo: MongoClient[dict[str, Any]]) -> None:
        self._admin = admin
        self._mongo = mongo

    def left(self, clock: datetime | None) -> Left:
        """What is to be done until all that is due by ``clock``, where it was advanced, has happened."""
        found = unread(lag.measure(self._admin), clock is not None)
        if found:
            return found
        timers = clock is not None and self._due(clock)
        return replace(found, timers=timers, messages=self._unsent())

    def wait(
        self,
        clock: datetime | None,
        *,
        told: Callable[[Left], None] = lambda _: None,
        stalled_s: float = STALLED_S,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Returns when nothing is left. Raises TroubleError if for ``stalled_s`` nothing changes."""
        quiet, last, changed = 0, "", now()
        while quiet < _QUIET_POLLS:
            left = self.left(clock)
            told(left)
            quiet = 0 if left else quiet + 1
            if str(left) != last:
                last, changed = str(left), now()
            elif left and now() - changed > stalled_s:
                raise TroubleError(f"The platform stands still ({left}): look into the logs of its parts.")
            if quiet < _QUIET_POLLS:
                sleep(_POLL_S)

    def _due(self, by: datetime) -> bool:
        return any(
            self._mongo[f"rapport_{service}"]["timers"].find_one({"due_at": {"$lte": by}}, {"_id": 1})
            for service in SERVICES
        )

    def _unsent(self) -> bool:
        waiting = {"status": {"$in": ["ready", "sending"]}}
        return self._mongo["rapport_followup"]["deliveries"].find_one(waiting, {"_id": 1}) is not None
