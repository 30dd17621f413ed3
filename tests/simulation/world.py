"""A run: workers of the real code on the in-memory broker and store, with the faults that its scenario
has.
"""

import asyncio
import contextlib
from collections import Counter
from contextvars import Context
from dataclasses import dataclass, field, replace
from functools import partial

from shared.host import STOP_SECONDS, Runtime
from shared.kafka.brokers import Brokers
from shared.kafka.clients import TopicPartition
from shared.kafka.publisher import Publisher
from shared.worker.loop import RecordLoop
from tests.simulation.broker import Broker, SendFault
from tests.simulation.broker_clients import SimConsumer, SimProducer
from tests.simulation.client import SimClient
from tests.simulation.judge import Said
from tests.simulation.logs import END, clock_record
from tests.simulation.mail import LetterBox, MailFault
from tests.simulation.patches import patched
from tests.simulation.scenario import BURST_SECONDS, BURSTS, Burst, Fault, Scenario, scenario
from tests.simulation.scheduler import Node, VirtualLoop
from tests.simulation.store import CallFault, Store
from tests.simulation.subject import Process
from tests.simulation.subjects import subject
from tests.simulation.watch import Watch

FIRST_SECONDS = 3.0
"""The first burst comes so long after the first worker was started."""
HALF_SECONDS = BURSTS // 2 * BURST_SECONDS
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
    hits: Counter[str] = field(default_factory=Counter)
    """How often each kind of trouble really struck, and where."""
    stall: float = 0.0
    """The longest time that a partition stood still without trouble, in virtual seconds."""


class World:
    """One run in the making."""

    def __init__(self, run: Scenario) -> None:
        self.run = run
        self.loop = VirtualLoop(run.seed)
        self.broker = Broker(self.loop, run.partitions, run.patience)
        self.store = Store(self.loop)
        self.box = LetterBox(self.loop)
        self.subject = subject(run.handler)
        self.produced: set[Said] = set()
        self.nodes: dict[int, Node] = {}
        """The living process of each worker."""
        self.loops: dict[int, RecordLoop] = {}
        self.runtimes: dict[int, Runtime] = {}
        self.started: dict[int, int] = {}
        """How often each worker was started."""
        self.left: set[int] = set()
        self.restarts = 0
        self.problems: list[str] = []
        self.watch = Watch(self.loop, self.broker, self.store, self.nodes, self.loops, run, self.unread)

    async def play(self) -> None:
        loop, run = self.loop, self.run
        self.watch.start()
        for number in range(run.workers):
            loop.call_later(loop.random.uniform(0.0, 2.0), self.start, number, context=Context())
        await self._half(FIRST_SECONDS, 0)
        if run.grows_to is not None:
            if not await self._all_done():
                return
            self.broker.grow(run.grows_to)
            loop.hits["topics grow"] += 1
            await asyncio.sleep(loop.random.choice([0.1, 5.0, 15.0]))
        await self._half(loop.time(), 1)
        self._produce(Burst(tuple(clock_record(p, END) for p in range(self.broker.partitions))))
        if await self._all_done():
            # What comes late does no harm.
            await asyncio.sleep(max(0.0, self.watch.over - loop.time()) + 30.0)

    async def _half(self, began: float, half: int) -> None:
        """Half of the bursts, with the faults that befall them."""
        loop, each = self.loop, BURSTS // 2
        for n, burst in enumerate(self.run.bursts[half * each : (half + 1) * each]):
            loop.call_at(began + n * BURST_SECONDS, self._produce, burst, context=Context())
        for fault in self.run.faults:
            at = fault.at - half * HALF_SECONDS
            if 0.0 <= at < HALF_SECONDS:
                loop.call_at(began + at, self._arm, fault, context=Context())
        await asyncio.sleep(began + HALF_SECONDS - loop.time())

    async def _all_done(self) -> bool:
        """Wait until all is read and done, however long its faults last, and then a while."""
        while not self._done():
            if self.loop.time() > self.watch.over + PROGRESS_SECONDS:
                left = {place: n for place, n in self.unread().items() if n}
                self.problems.append(f"no progress: {left or 'mails wait'}")
                return False
            if self.restarts > RESTARTS:
                self.problems.append("a crash loop")
                return False
            await asyncio.sleep(1.0)
        return True

    def unread(self) -> dict[TopicPartition, int]:
        """Records that the group has not committed, by where they are."""
        at = [(t, p) for t in self.subject.topics for p in range(self.broker.partitions)]
        return {tp: self.broker.log(tp).unread(self.broker.group.committed.get(tp, 0)) for tp in at}

    def _done(self) -> bool:
        return not any(self.unread().values()) and not self.subject.busy(self)

    def _produce(self, burst: Burst) -> None:
        self.produced.update((r.topic, r.key, r.value) for r in burst.records)
        if burst.how == "plain":
            for record in burst.records:
                self.broker.append(record)
            return
        self.loop.hits[f"a transaction: {burst.how}"] += 1
        self.broker.write(burst.records, seconds=burst.seconds, commit=burst.how == "commit")
        if burst.how == "abort":
            again = replace(burst, how="plain")
            self.loop.call_later(burst.seconds + 0.1, self._produce, again, context=Context())

    # Workers

    def start(self, number: int) -> None:
        """Start a worker's process, or start it again."""
        self.watch.trouble()
        self.started[number] = self.started.get(number, 0) + 1
        node = self.nodes[number] = Node(f"w{number}.{self.started[number]}", self.loop)
        node.spawn(self._work(number, node))

    async def _work(self, number: int, node: Node) -> None:
        publisher = Publisher(Brokers("-"), producer=lambda: SimProducer(self.broker, node))
        client = SimClient(self.store, node)
        processor = self.subject.processor(client, publisher)
        try:
            loop = self.loops[number] = RecordLoop(
                service=self.subject.service,
                consumer=lambda: SimConsumer(self.broker, node, self.subject.topics),
                topics=self.subject.topics,
                intake=self.subject.intake(),
                processor=processor,
                stream=True,
                batch_size=self.run.batch_size,
                wall_clock=lambda: END,
            )
            await publisher.start()
            process = Process(node, client, publisher, loop, processor, self.box)
            await self._run(number, process)
            await publisher.stop()
            node.kill()  # it ends
        except Exception as error:  # whatever ends a process has it started again
            self.loop.note(f"{node.name} ends: {type(error).__name__}: {error}")
            self.restarts += 1
            self.loop.hits["ends by itself"] += 1
            node.kill()
            self.loop.call_later(1.0, self.start, number, context=Context())

    async def _run(self, number: int, process: Process) -> None:
        """The record loop and what is beside it, until it is stopped, as ``shared.host`` does it."""
        extras = self.subject.extras(process)
        if extras is None:
            await process.loop.run()
            return
        self.runtimes[number], beside = extras
        running = asyncio.gather(*beside)
        await process.loop.run()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOP_SECONDS):
                await running

    # Faults

    def _arm(self, fault: Fault) -> None:
        node, store, broker = self.nodes.get(fault.worker), self.store, self.broker
        self.loop.note(f"fault: {fault}")
        self.watch.trouble(fault.seconds)
        match fault.kind:
            case "kill" | "sleep":
                if fault.detail:
                    self.loop.ambushes[fault.detail] = [*[None] * fault.after, partial(self._strike, fault)]
                elif node is not None and not node.dead:
                    node.hooks[node.steps + fault.after] = partial(self._strike, fault, node)
                return
            case "store_away" | "store_restarts":
                store.outage(fault.seconds, restart=fault.kind == "store_restarts")
            case "broker_away":
                broker.outage(fault.seconds)
            case "leader_moves":
                broker.lose_leader(fault.worker % broker.partitions, fault.seconds)
            case "call" | "write" | "commit":
                one = CallFault(fault.detail, fault.code, fault.seconds)  # type: ignore[arg-type]
                if fault.kind == "call":
                    store.faults[store.calls + fault.after + 1] = one
                elif fault.kind == "write":
                    store.write_faults[store.writes + fault.after + 1] = one
                else:
                    store.commit_faults[store.commits + fault.after + 1] = one
                return
            case "send":
                broker.send_faults[broker.sends + fault.after + 1] = SendFault(fault.detail)  # type: ignore[arg-type]
                return
            case "mail":
                mail = MailFault(fault.detail, fault.seconds)  # type: ignore[arg-type]
                self.box.faults[self.box.sends + fault.after + 1] = mail
                return
            case "join":
                self.start(len(self.nodes))
            case "leave":
                stay = self.started.keys() - self.left - {fault.worker}
                if not stay or fault.worker not in self.loops or fault.worker in self.left:
                    return
                self.left.add(fault.worker)
                if fault.worker in self.runtimes:
                    self.runtimes[fault.worker].stop()
                self.loops[fault.worker].stop()
        self.loop.hits[fault.kind] += 1

    def _strike(self, fault: Fault, node: Node) -> None:
        self.watch.trouble(fault.seconds)
        self.loop.hits[fault.kind] += 1
        if fault.kind == "sleep":
            self.loop.hits[f"asleep {node.at}"] += 1
            node.sleep(fault.seconds)
            return
        self.loop.hits[f"killed {node.at}"] += 1
        self.loop.hits[f"killed {self.run.handler}"] += 1
        node.kill()
        (number,) = (n for n, other in self.nodes.items() if other is node)
        self.loop.call_later(fault.seconds, self.start, number, context=Context())


def play(run: Scenario) -> Verdict:
    """Run it, and judge it."""
    world = World(run)
    with patched(run, world.loop.time):
        world.loop.run_until_complete(world.play())
        world.store.closed = world.broker.closed = True
        trace, seconds = list(world.loop.trace), world.loop.time()
        world.problems += world.watch.problems
        if not world.problems:
            world.problems += world.subject.differences(world)
        world.problems += [f"nobody caught {error!r}" for error in world.loop.failures]
        world.loop.bury()
    return Verdict(run, world.problems, trace, seconds, world.loop.hits, world.watch.longest)


def shrunk(run: Scenario) -> Scenario:
    """The same failing run without the faults that it fails without, each tried in turn."""
    for fault in run.faults:
        less = replace(run, faults=tuple(f for f in run.faults if f is not fault))
        if play(less).problems:
            run = less
    return run


def play_seed(seed: int) -> Verdict:
    return play(scenario(seed))
