"""What one round of a sender has under way: the messages that are with the channel, and beside them at most
one step of each kind (a read, a claim, a report)."""

import asyncio
import time
from collections.abc import Coroutine
from typing import Any

Task = asyncio.Task[None]

GATHERING_SECONDS = 0.01
"""So long a step waits for more to do, while more is on its way."""


class Gathering:
    """When a step of one kind is worth while: writes to store and broker cost nearly the same for one message
    and for several."""

    def __init__(self) -> None:
        self._since: float | None = None

    @property
    def waits(self) -> bool:
        return self._since is not None

    def enough(self, there: int, wanted: int, *, more: bool) -> bool:
        """Whether to begin with what is ``there``: it is as much as is ``wanted``, no ``more`` is on its way,
        or it has waited a little."""
        if there <= 0:
            self._since = None
            return False
        now = time.monotonic()
        if there < wanted and more and (self._since is None or now < self._since + GATHERING_SECONDS):
            self._since = now if self._since is None else self._since
            return False
        self._since = None
        return True


class Flow:
    """Of one round. After a failure nothing more is begun, and what is with the channel is finished."""

    def __init__(self) -> None:
        self.lanes: set[Task] = set()
        """Each with a message that is with the channel."""
        self._steps: dict[str, Task] = {}
        self.failures: dict[str, Exception] = {}
        """By the step that broke."""
        self.worked = False
        """There was something to do."""
        self.over = False
        """Nothing more is begun."""
        self._done: list[Task] = []
        self._changed = asyncio.Event()

    @property
    def going(self) -> bool:
        return not (self.over or self.failures)

    def send(self, message: Coroutine[Any, Any, None]) -> None:
        self.lanes.add(self._begun(message))

    def can(self, step: str) -> bool:
        """Whether this step is not under way, and has not failed."""
        return step not in self._steps and step not in self.failures

    def begin(self, step: str, work: Coroutine[Any, Any, None]) -> None:
        self._steps[step] = self._begun(work)

    async def wait(self, seconds: float) -> bool:
        """Until something of what is under way has ended, or so many seconds have passed. False where nothing
        is under way. Cancelled, it cancels all of that and waits for its end."""
        running = self.lanes | set(self._steps.values())
        if not running:
            return False
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            return True
        except asyncio.CancelledError:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
            raise
        self._changed.clear()
        done, self._done = self._done, []
        for task in done:
            self._ended(task)
        return True

    def _begun(self, work: Coroutine[Any, Any, None]) -> Task:
        task = asyncio.create_task(work)
        task.add_done_callback(self._note)
        return task

    def _note(self, task: Task) -> None:
        self._done.append(task)
        self._changed.set()

    def _ended(self, task: Task) -> None:
        self.lanes.discard(task)
        step = next((name for name, one in self._steps.items() if one is task), "send")
        self._steps.pop(step, None)
        error = task.exception()
        if isinstance(error, Exception):
            self.failures.setdefault(step, error)
        elif error is not None:
            raise error
