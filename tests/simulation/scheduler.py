"""A virtual clock and one seeded order for all that is ready: a run is a function of its seed.

Nothing waits for real. When nothing is ready, time jumps to the next timer; of all that is ready, the
seed says what runs next. What runs belongs to a *node*, a simulated process: its tasks inherit it. A
node can be killed between any two steps (nothing of it runs again, no ``finally`` either, as with
SIGKILL) or put to sleep (its steps wait, and timers that fell due meanwhile fire late, as with a
machine that is paused).
"""

import asyncio
import heapq
import random
from collections import Counter
from collections.abc import Callable, Coroutine
from contextvars import Context, ContextVar, copy_context
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

T = TypeVar("T")
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
"""The wall clock at virtual time 0."""
SLACK = 1e-6
"""Timers so close to each other, in seconds, fall due together."""


class StuckError(Exception):
    """Nothing is ready, and no timer is set: everybody waits for somebody else."""


class Node:
    """A simulated process."""

    def __init__(self, name: str, loop: "VirtualLoop") -> None:
        self.name = name
        self.loop = loop
        self.steps = 0
        """Callbacks run so far: the places where it may be killed."""
        self.dead = False
        self.asleep_until = 0.0
        self.parked: list[asyncio.Handle] = []
        self.hooks: dict[int, Callable[[], None]] = {}
        """What happens to it before its n-th step."""
        self.at = "before the transaction"
        """Where in the life of a batch it is: a line of the crash table (docs/architecture.md)."""

    @property
    def awake(self) -> bool:
        return not self.dead and self.loop.time() >= self.asleep_until

    def reach(self, line: str) -> None:
        """It gets to this line of the crash table."""
        self.at = line
        if self.awake and (waiting := self.loop.ambushes.get(line)):
            strike = waiting.pop(0)
            if strike is not None:
                strike(self)

    def published(self) -> None:
        """What was under way is in the log."""
        if self.at in ("after the transaction", "after a timer's transaction"):
            self.reach("after the publish")

    def kill(self) -> None:
        """Nothing of it runs from now on."""
        if not self.dead:
            self.dead = True
            self.loop.note(f"{self.name} dies at step {self.steps}")

    def sleep(self, seconds: float) -> None:
        """It wakes up so many seconds later and knows nothing of it."""
        self.asleep_until = max(self.asleep_until, self.loop.time() + seconds)
        self.loop.note(f"{self.name} sleeps for {seconds:.0f} s at step {self.steps}")
        self.loop.call_at(self.asleep_until + 2 * SLACK, self._wake, context=Context())

    def _wake(self) -> None:
        if self.awake and self.parked:
            self.loop.note(f"{self.name} wakes up")
            parked, self.parked = self.parked, []
            for handle in parked:
                self.loop.push(handle)

    def spawn(self, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        """Run it as a task of this node."""
        context = copy_context()
        context.run(NODE.set, self)
        return self.loop.create_task(work, context=context)


NODE: ContextVar[Node | None] = ContextVar("NODE", default=None)


class VirtualLoop(asyncio.BaseEventLoop):
    """An event loop without sockets and threads."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self._now = 0.0
        self._burying = False
        self._graves: list[asyncio.Handle] = []
        """What the dead would have done next."""
        self._kept: list[asyncio.Task[Any]] = []
        """No task is left to the garbage collector, whose hour is not a function of the seed."""
        self.random = random.Random(seed)
        self.hits: Counter[str] = Counter()
        """What really befell this run, by kind."""
        self.ambushes: dict[str, list[Callable[[Node], None] | None]] = {}
        """What happens to the node that gets to such a line, and how often nothing does before."""
        self.trace: list[str] = []
        self.failures: list[BaseException] = []
        """What nobody caught."""
        self.set_exception_handler(self._unhandled)

    def time(self) -> float:
        return self._now

    def wall_clock(self) -> datetime:
        return EPOCH + timedelta(seconds=self._now)

    def note(self, line: str) -> None:
        """Add a line to the trace of the run."""
        self.trace.append(f"{self._now:11.4f} {line}")

    def push(self, handle: asyncio.Handle) -> None:
        """It is ready (again)."""
        self._ready.append(handle)  # type: ignore[attr-defined]

    def create_task(self, coro: Any, **options: Any) -> "asyncio.Task[Any]":  # type: ignore[override]
        task = super().create_task(coro, **options)
        self._kept.append(task)
        if len(self._kept) > 2_000:
            self._kept = [t for t in self._kept if not t.done()]
        return task

    def _run_once(self) -> None:
        """Run one step: of all that is ready, the one that the seed chooses."""
        ready, scheduled = self._ready, self._scheduled  # type: ignore[attr-defined]
        while scheduled and scheduled[0]._cancelled:
            heapq.heappop(scheduled)._scheduled = False
        if not ready and not self._stopping:  # type: ignore[attr-defined]
            if not scheduled:
                raise StuckError(f"at {self._now:.3f} s nothing is left to wait for")
            self._now = max(self._now, scheduled[0]._when)
        while scheduled and scheduled[0]._when <= self._now + SLACK:
            handle = heapq.heappop(scheduled)
            handle._scheduled = False
            self._now = max(self._now, handle._when)  # else what waits for it to pass would wait for ever
            ready.append(handle)
        if not ready:
            return
        if len(ready) > 1:
            ready.rotate(-int(self.random.random() * len(ready)))
        handle = ready.popleft()
        if not handle._cancelled and self._may_run(handle):
            handle._run()

    def _may_run(self, handle: asyncio.Handle) -> bool:
        node: Node | None = handle._context.get(NODE)  # type: ignore[attr-defined]
        if node is None or self._burying:
            return True
        if node.hooks and node.awake and (hook := node.hooks.pop(node.steps, None)) is not None:
            hook()
        if node.dead:
            self._graves.append(handle)
            return False
        if self._now < node.asleep_until:
            node.parked.append(handle)
            return False
        node.steps += 1
        return True

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """It is dropped when it comes to the head."""

    def _write_to_self(self) -> None:
        """There is no other thread to wake this one."""

    def run_in_executor(  # type: ignore[override]
        self, executor: Any, func: Callable[..., T], *args: Any
    ) -> "asyncio.Future[T]":
        """At once, here: threads would not be a function of the seed."""
        future: asyncio.Future[T] = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:  # whoever awaits the call gets it, as from an executor
            future.set_exception(error)
        return future

    def _unhandled(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if error is not None:
            self.failures.append(error)

    def bury(self) -> None:
        """End all tasks that are left, the dead ones' too, so that none is left to the garbage collector. All
        that they could reach must be closed before: they run their ``finally`` now."""
        self._burying = True
        for handle in self._graves:
            self.push(handle)
        for _ in range(20):
            tasks = asyncio.all_tasks(self)
            if not tasks:
                break
            for task in tasks:
                task.cancel()
            self.run_until_complete(asyncio.wait(tasks, timeout=1.0))
        self.close()
