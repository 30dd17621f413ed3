"""A run: workers of the real code on the in-memory broker and store, with the faults that its scenario
has.
"""

import asyncio
import contextlib
import random
from collections.abc import Iterator
from contextvars import Context
from dataclasses import dataclass, replace
from unittest import mock

import structlog.testing

from shared.journal import drafting
from shared.journal import processor as journal
from shared.kafka import publisher as publishing
from shared.kafka.clients import Record
from shared.kafka.publisher import Publisher
from shared.worker import batching, commits, lag, member, retry
from shared.worker.loop import RecordLoop
from tests.simulation.broker import Broker, SendFault
from tests.simulation.broker_clients import SimConsumer, SimProducer
from tests.simulation.client import SimClient
from tests.simulation.judge import Said
from tests.simulation.logs import END, clock_record
from tests.simulation.scenario import BURST_SECONDS, BURSTS, Fault, Scenario, scenario
from tests.simulation.scheduler import Node, VirtualLoop
from tests.simulation.store import CallFault, Store
from tests.simulation.subjects import subject
from tests.unit.journal import kiosk

PROGRESS_SECONDS = 600.0
"""So long after the last fault is over all must be done: a session, a rebalance, the longest backoff, a poll
interval."""
RESTARTS = 30
"""More errors than this that end a process are a crash loop."""


@dataclass(slots=True)
class Verdict:
    """What came of a run. ``problems`` is empty for one that is right."""

    scenario: Scenario
    problems: list[str]
    trace: list[str]
    seconds: float
    """Virtual."""


class World:
    """One run in the making."""

    def __init__(self, run: Scenario) -> None:
        self.run = run
        self.loop = VirtualLoop(run.seed)
        self.broker = Broker(self.loop, run.partitions)
        self.store = Store(self.loop)
        self.subject = subject(run.handler)
        self.produced: set[Said] = set()
        self.nodes: dict[int, Node] = {}
        """The living process of each worker."""
        self.loops: dict[int, RecordLoop] = {}
        self.started: dict[int, int] = {}
        """How often each worker was started."""
        self.left: set[int] = set()
        self.restarts = 0
        self.problems: list[str] = []

    async def play(self) -> None:
        loop = self.loop
        for number in range(self.run.workers):
            loop.call_later(loop.random.uniform(0.0, 2.0), self.start, number, context=Context())
        for n, burst in enumerate(self.run.bursts):
            loop.call_at(3.0 + n * BURST_SECONDS, self._produce, burst, context=Context())
        for fault in self.run.faults:
            loop.call_at(3.0 + fault.at, self._arm, fault, context=Context())
        last = max((f.at + f.seconds for f in self.run.faults), default=0.0)
        await asyncio.sleep(3.0 + BURSTS * BURST_SECONDS)
        self._produce(tuple(clock_record(p, END) for p in range(self.run.partitions)))
        limit = max(loop.time(), last) + PROGRESS_SECONDS
        while not self._done():
            if loop.time() > limit:
                self.problems.append(f"no progress: {self._lags()}")
                return
            if self.restarts > RESTARTS:
                self.problems.append("a crash loop")
                return
            await asyncio.sleep(1.0)
        await asyncio.sleep(max(0.0, last - loop.time()) + 60.0)  # what woke up or arrived late does no harm

    def _lags(self) -> dict[tuple[str, int], int]:
        at = [(t, p) for t in self.subject.topics for p in range(self.run.partitions)]
        return {tp: self.broker.end(tp) - self.broker.group.committed.get(tp, 0) for tp in at}

    def _done(self) -> bool:
        return not any(self._lags().values())

    def _produce(self, records: tuple[Record, ...]) -> None:
        for r in records:
            self.produced.add((r.topic, r.key, r.value))
            self.broker.append(r.topic, r.key, r.value, r.headers, r.partition)

    # Workers

    def start(self, number: int) -> None:
        """Start a worker's process, or start it again."""
        self.started[number] = self.started.get(number, 0) + 1
        node = self.nodes[number] = Node(f"w{number}.{self.started[number]}", self.loop)
        node.spawn(self._work(number, node))

    async def _work(self, number: int, node: Node) -> None:
        publisher = Publisher("-", producer=lambda: SimProducer(self.broker, node))
        try:
            await publisher.start()
            await publisher.connected()
            loop = self.loops[number] = RecordLoop(
                service=self.subject.service,
                consumer=lambda: SimConsumer(self.broker, node, self.subject.topics),
                topics=self.subject.topics,
                intake=self.subject.intake(),
                processor=self.subject.processor(SimClient(self.store, node), publisher),
                stream=True,
                batch_size=self.run.batch_size,
                wall_clock=lambda: END,
            )
            await loop.run()
            await publisher.stop()
        except Exception as error:
            self.loop.note(f"{node.name} ends: {type(error).__name__}: {error}")
            self.restarts += 1
            node.kill()
            self.loop.call_later(1.0, self.start, number, context=Context())

    # Faults

    def _arm(self, fault: Fault) -> None:
        node, store, broker = self.nodes.get(fault.worker), self.store, self.broker
        self.loop.note(f"fault: {fault}")
        match fault.kind:
            case "kill" | "sleep":
                if node is not None and not node.dead:
                    node.hooks[node.steps + fault.after] = lambda: self._strike(fault, node)
            case "store_away" | "store_restarts":
                store.outage(fault.seconds, restart=fault.kind == "store_restarts")
            case "broker_away":
                broker.outage(fault.seconds)
            case "call" | "write":
                one = CallFault(fault.detail, fault.code, fault.seconds)  # type: ignore[arg-type]
                if fault.kind == "call":
                    store.faults[store.calls + fault.after + 1] = one
                else:
                    store.write_faults[store.writes + fault.after + 1] = one
            case "send":
                broker.send_faults[broker.sends + fault.after + 1] = SendFault(fault.detail)  # type: ignore[arg-type]
            case "join":
                self.start(len(self.nodes))
            case "leave":
                stay = self.started.keys() - self.left - {fault.worker}
                if stay and fault.worker in self.loops:
                    self.left.add(fault.worker)
                    self.loops[fault.worker].stop()

    def _strike(self, fault: Fault, node: Node) -> None:
        if fault.kind == "sleep":
            node.sleep(fault.seconds)
            return
        node.kill()
        self.loop.call_later(fault.seconds, self.start, fault.worker, context=Context())


@contextlib.contextmanager
def patched(world: World) -> Iterator[None]:
    """What the code under test asks of the machine by itself is the simulation's meanwhile."""
    run = world.run
    dice = random.Random(run.seed)
    # Which of two partitions is first is no one's promise.
    gifts = kiosk.GIFTS if run.partitions == 1 else 10_000
    with (
        mock.patch.object(drafting, "TIMERS_A_STEP", run.timers_a_step),
        mock.patch.object(journal, "random", dice),
        mock.patch.object(retry, "random", dice),
        mock.patch.object(kiosk, "GIFTS", gifts),
        structlog.testing.capture_logs(),
        contextlib.ExitStack() as clocks,
    ):
        for module in (batching, commits, lag, member, publishing):
            clocks.enter_context(mock.patch.object(module, "monotonic", world.loop.time))
        yield


def play(run: Scenario) -> Verdict:
    """Run it, and judge it."""
    world = World(run)
    with patched(world):
        world.loop.run_until_complete(world.play())
        world.store.closed = world.broker.closed = True
        trace, seconds = list(world.loop.trace), world.loop.time()
        if not world.problems:
            problems = world.subject.differences(
                world.store.server, world.broker.logs, run.partitions, world.produced
            )
            world.problems += problems
        world.problems += [f"nobody caught {error!r}" for error in world.loop.failures]
        world.loop.bury()
    return Verdict(run, world.problems, trace, seconds)


def shrunk(run: Scenario) -> Scenario:
    """The same failing run without the faults that it fails without, each tried in turn."""
    for fault in run.faults:
        less = replace(run, faults=tuple(f for f in run.faults if f is not fault))
        if play(less).problems:
            run = less
    return run


def play_seed(seed: int) -> Verdict:
    return play(scenario(seed))
