"""What one round of a sender has under way: the messages that are with the channel, and beside them at most
one step of each kind (a read, a claim, a report)."""

import asyncio
from collections.abc import Coroutine
from typing import Any

Task = asyncio.Task[None]


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

    @property
    def going(self) -> bool:
        return not (self.over or self.failures)

    def send(self, message: Coroutine[Any, Any, None]) -> None:
        self.lanes.add(asyncio.create_task(message))

    def can(self, step: str) -> bool:
        """Whether this step is not under way, and has not failed."""
        return step not in self._steps and step not in self.failures

    def begin(self, step: str, work: Coroutine[Any, Any, None]) -> None:
        self._steps[step] = asyncio.create_task(work)

    async def wait(self, seconds: float) -> bool:
        """Until something of what is under way has ended, or so many seconds have passed. False where nothing
        is under way. Cancelled, it cancels all of that and waits for its end."""
        running = self.lanes | set(self._steps.values())
        if not running:
            return False
        try:
            done, _ = await asyncio.wait(running, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
            raise
        for task in done:
            self._ended(task)
        return True

    def _ended(self, task: Task) -> None:
        step = next((name for name, one in self._steps.items() if one is task), "send")
        self._steps.pop(step, None)
        self.lanes.discard(task)
        error = task.exception()
        if isinstance(error, Exception):
            self.failures.setdefault(step, error)
        elif error is not None:
            raise error
