"""What is judged on the way: every worker lives, every partition gets on, memory is bounded."""

from collections.abc import Callable, Mapping
from contextvars import Context

from shared.health import STALLED_SECONDS
from shared.worker.loop import RecordLoop
from tests.simulation.broker import Broker
from tests.simulation.scenario import SMALL_BYTES, Scenario
from tests.simulation.scheduler import Node, VirtualLoop
from tests.simulation.store import Store

STALL_SECONDS = 150.0
"""So long after the last trouble a partition with unread records may stand still: a session, a rebalance, a
transaction that somebody who sleeps holds open, the longest backoff."""
TICK_SECONDS = 1.0


class Watch:
    """Looks once a second, and says each thing once."""

    def __init__(
        self,
        loop: VirtualLoop,
        broker: Broker,
        store: Store,
        nodes: Mapping[int, Node],
        loops: Mapping[int, RecordLoop],
        run: Scenario,
        unread: Callable[[], Mapping[tuple[str, int], int]],
    ) -> None:
        self._loop = loop
        self._broker = broker
        self._store = store
        self._nodes = nodes
        self._loops = loops
        self._bounded = run.memory >= SMALL_BYTES and run.handler != "interactions"
        """Of one with records larger than its budget each is handled alone."""
        self._unread = unread
        self._trouble = 0.0
        """When there was some last."""
        self._seen: dict[int, tuple[object, float]] = {}
        """By partition, what was read last of it and when that had changed."""
        self.longest = 0.0
        """The longest stall, in seconds."""
        self.problems: dict[str, None] = {}

    def start(self) -> None:
        self._loop.call_later(TICK_SECONDS, self._tick, context=Context())

    def trouble(self, seconds: float = 0.0) -> None:
        """Something goes wrong now, or until then."""
        self._trouble = max(self._trouble, self._loop.time() + seconds)

    @property
    def over(self) -> float:
        """When the last trouble is."""
        return self._trouble

    def _tick(self) -> None:
        if self._broker.closed:
            return
        if self._store.away or self._broker.away:
            self.trouble()
        for number, node in self._nodes.items():
            if node.dead:
                continue
            if not node.awake:
                self.trouble()
            elif number in self._loops:
                self._alive(node, self._loops[number])
                self._small(node, self._loops[number])
        self._moving()
        self.start()

    def _alive(self, node: Node, loop: RecordLoop) -> None:
        since = max(loop.progress, node.asleep_until)
        if not loop.finished.is_set() and self._loop.time() - since > STALLED_SECONDS:
            self.problems[f"{node.name} has not gone round for over a minute: it would be restarted"] = None

    def _small(self, node: Node, loop: RecordLoop) -> None:
        for budget in (loop._budget, getattr(loop._processor, "_budget", loop._budget)):
            if self._bounded and budget.used > budget.limit:
                held = ", ".join(f"{kind} {size}" for kind, size in budget.kinds.items() if size)
                self.problems[f"{node.name} holds {budget.used} bytes of {budget.limit}: {held}"] = None

    def _moving(self) -> None:
        now, unread = self._loop.time(), self._unread()
        for partition in {p for _, p in unread}:
            mine = {place: n for place, n in unread.items() if place[1] == partition and n}
            read, since = self._seen.get(partition, (None, now))
            committed = tuple(sorted((t, self._broker.group.committed.get((t, p), 0)) for t, p in mine))
            if not mine or read != committed or self._broker.out_of_reach(partition):
                self._seen[partition] = committed, now
                continue
            stalled = now - max(since, self._trouble)
            self.longest = max(self.longest, stalled)
            if stalled > STALL_SECONDS:
                owners = sorted(n.name for w, n in self._nodes.items() if self._holds(w, n, partition))
                who = f"served by {', '.join(owners)}" if owners else "served by nobody"
                self.problems[f"partition {partition} stands still, {who}"] = None

    def _holds(self, worker: int, node: Node, partition: int) -> bool:
        return not node.dead and worker in self._loops and partition in self._loops[worker].held
