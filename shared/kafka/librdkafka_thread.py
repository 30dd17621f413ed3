"""A thread that owns a client of librdkafka: what is asked of it is done in order, and waited for within a
bound. Some of its calls wait for as long as a broker is frozen, and nothing ends them: such a thread is
left behind. It is a daemon, so it does not keep the process."""

import asyncio
import contextlib
import logging
import re
from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread
from time import monotonic
from typing import Any, ParamSpec, TypeVar

from confluent_kafka import KafkaException

from shared.kafka.clients import BrokerAwayError

P = ParamSpec("P")
T = TypeVar("T")

SAME_LINE_SECONDS = 30.0


class CallThread:
    """Made within a running event loop, which is told the results."""

    def __init__(self, name: str) -> None:
        self._loop = asyncio.get_running_loop()
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        Thread(target=self._run, name=name, daemon=True).start()

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()

    def put(self, job: Callable[[], None]) -> None:
        """Do this after what was asked before. It must not raise."""
        self._jobs.put(job)

    def begin(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> asyncio.Future[T]:
        """Do this after what was asked before. Whoever settles the answer first has the say."""
        answer: asyncio.Future[T] = self._loop.create_future()

        def job() -> None:
            try:
                result = call(*args, **kwargs)
            except BaseException as error:
                self.tell(_fail, answer, error)
            else:
                self.tell(_succeed, answer, result)

        self._jobs.put(job)
        return answer

    async def ask(self, seconds: float, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What the call returns or raises; ``BrokerAwayError`` for a Kafka error, or if it takes longer."""
        return await within(seconds, self.begin(call, *args, **kwargs))

    def tell(self, call: Callable[..., None], *args: Any) -> None:
        """From the thread: have the event loop call this, if it still runs."""
        with contextlib.suppress(RuntimeError):  # it has ended, and whoever asked with it
            self._loop.call_soon_threadsafe(call, *args)

    def end(self) -> None:
        """After what was asked before, if that ever ends."""
        self._jobs.put(None)


async def within(seconds: float, answer: asyncio.Future[T]) -> T:
    """The answer; ``BrokerAwayError`` for a Kafka error, or if it takes longer."""
    try:
        async with asyncio.timeout(seconds):
            return await answer
    except TimeoutError as error:
        raise BrokerAwayError(f"no answer within {seconds:g} s") from error
    except KafkaException as error:
        raise BrokerAwayError(str(error)) from error


def _succeed(answer: asyncio.Future[Any], result: object) -> None:
    if not answer.done():
        answer.set_result(result)


def _fail(answer: asyncio.Future[Any], error: BaseException) -> None:
    if not answer.done():
        answer.set_exception(error)


class _Sparingly(logging.Filter):
    """An outage makes ten lines a second that differ in their numbers: one of a kind within a while."""

    def __init__(self) -> None:
        super().__init__()
        self._next: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        kind = re.sub(r"\d+", "", record.getMessage())[:120]
        now = monotonic()
        if now < self._next.get(kind, 0.0):
            return False
        if len(self._next) > 200:
            self._next.clear()
        self._next[kind] = now + SAME_LINE_SECONDS
        return True


LOGGER = logging.getLogger("librdkafka")
"""Its own log, which would go to standard error; told as a client of it polls."""
LOGGER.addFilter(_Sparingly())
