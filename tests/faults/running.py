"""The four workers of a platform, told one history on the stream clock: killed amid it, and waited for."""

import threading
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from rapport.commands.clock import advance_clock
from shared.kafka.brokers import Brokers
from shared.schemas.services import SERVICES
from shared.schemas.topics import TYPES
from tests.faults.conftest import ServiceProcess, WorkerStarter
from tests.faults.platform import Platform


class Run:
    """One platform with one history."""

    def __init__(
        self,
        platform: Platform,
        worker: WorkerStarter,
        rules: Path,
        points: Mapping[str, tuple[str, ...]],
    ) -> None:
        """``points``: where each worker dies, once for each call of ``killed``."""
        self.platform = platform
        self._worker = worker
        self._settings = {"clock": "stream", "rules": str(rules), "smtp_timeout": "5"}
        self._points = points
        self._running: list[ServiceProcess] = []

    def begin(self) -> None:
        self._running = [self._worker(service, **self._settings) for service in SERVICES]
        for started in self._running:
            started.wait_ready(120)

    def kill(self) -> None:
        """All of them, at any moment."""
        for started in self._running:
            started.kill()

    def stop(self) -> None:
        """All of them, in good order."""
        for started in self._running:
            started.stop()

    def dying(self, phase: int) -> None:
        """Each dies at its own point of what was sent."""
        self.kill()
        dying = [self._worker(name, fault=self._points[name][phase], **self._settings) for name in SERVICES]
        for started in dying:
            started.wait_killed(120)

    def killed(self, phase: int) -> None:
        """Each dies at its own point of what was sent, is started anew, and dies once more at any moment."""
        self.dying(phase)
        self.begin()
        for place in range(len(SERVICES)):
            threading.Event().wait(0.3)  # any moment will do: that is the point
            self._running[place].kill()
            self._running[place] = self._worker(SERVICES[place], **self._settings)
        for started in self._running:
            started.wait_ready(120)

    def send(self, events: Iterable[dict[str, Any]]) -> None:
        by_topic: dict[str, list[dict[str, Any]]] = {}
        for one in events:
            by_topic.setdefault(TYPES[one["type"]].topic, []).append(one)
        for topic, found in by_topic.items():
            self.platform.send(topic, found)

    def settle(self) -> None:
        """What workers ask of each other comes back through the log: some turns of it."""
        for _ in range(4):
            for service in SERVICES:
                self.platform.wait_caught_up(service, 180)

    def advance(self, to: datetime) -> None:
        advance_clock(Brokers(self.platform.env["RAPPORT_KAFKA"]), to)
        self.settle()
        for service in SERVICES[:3]:
            self.platform.wait(partial(self._fired, service, to), 90, f"{service}: no timer is due")
        deliveries = self.platform.database("followup")["deliveries"]
        waiting = {"status": {"$in": ["ready", "sending"]}}
        self.platform.wait(lambda: deliveries.count_documents(waiting) == 0, 90, "what is due has gone")
        self.settle()

    def _fired(self, service: str, to: datetime) -> bool:
        due = {"due_at": {"$lte": to}}
        return bool(self.platform.database(service)["timers"].count_documents(due) == 0)
