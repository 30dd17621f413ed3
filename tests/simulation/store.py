"""The way between a simulated process and the in-memory MongoDB: latency, loss, outages, errors.

A command is sent, arrives, takes effect, and its answer comes back. Each of these may fail by itself: a
request that is lost had no effect, one whose answer is lost had, one that hangs has it when nobody
waits any more, and an answer with an error code ends the transaction that it was for. What the caller
sees is in all cases what PyMongo raises. A caller that is cancelled or killed does not take back what
it has sent.
"""

import asyncio
from collections.abc import Callable
from contextvars import Context
from dataclasses import dataclass
from typing import Any, Literal

from pymongo.errors import (
    AutoReconnect,
    NetworkTimeout,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
)

from tests.simulation.scheduler import Node, VirtualLoop
from tests.simulation.server import TRANSIENT, BlockedError, Server, failure

UNKNOWN_COMMIT = "UnknownTransactionCommitResult"
SELECTION_SECONDS = 5.0
"""How long the driver looks for a server that is not there."""
CALL_SECONDS = 30.0
"""``timeoutMS`` of the workers' clients."""
PASSING_CODES = frozenset({6, 7, 89, 91, 189, 262, 9001, 10107, 11600, 11602, 13435, 13436})
"""Those that MongoDB labels: transient in a transaction, unknown at its commit."""


TIMERS = "/timers "
"""In the uid of a timer's firing."""


@dataclass(frozen=True, slots=True)
class CallFault:
    """What befalls one call."""

    kind: Literal["lose_request", "lose_reply", "error", "hang"]
    code: int = 0
    """For ``error``."""
    seconds: float = 0.0
    """For ``hang``: so much later it arrives."""


@dataclass(slots=True, eq=False)
class Request:
    """A command under way. ``session`` and ``number`` are those of its transaction."""

    node: Node
    what: str
    work: Callable[[], Any]
    reply: "asyncio.Future[Any]"
    session: bytes | None = None
    number: int = 0
    fault: CallFault | None = None
    interrupted: bool = False
    """Its session was killed."""


class Store:
    """The server and all that lies before it."""

    def __init__(self, loop: VirtualLoop) -> None:
        self.loop = loop
        self.server = Server(lambda seconds, work: loop.call_later(seconds, work, context=Context()))
        self.calls = 0
        self.faults: dict[int, CallFault] = {}
        """By the number of the call, from 1."""
        self.writes = 0
        self.write_faults: dict[int, CallFault] = {}
        """By the number of the command in a transaction, its commit too, from 1."""
        self.commits = 0
        self.commit_faults: dict[int, CallFault] = {}
        """By the number of the commit, from 1."""
        self.on: dict[str, CallFault] = {}
        """By what is called, such as ``commit`` or ``bulk state``: the next one."""
        self.before: dict[str, Callable[[], None]] = {}
        """What happens just before the next call of that name."""
        self.away_until = 0.0
        self.closed = False
        self._under_way: set[Request] = set()

    def outage(self, seconds: float, *, restart: bool) -> None:
        """Nobody reaches it for so long; ``restart``: what was open in it is gone too."""
        self.away_until = max(self.away_until, self.loop.time() + seconds)
        self.loop.note(f"the store is away for {seconds:.0f} s{', restarted' if restart else ''}")
        if restart:
            self.server.restart()

    @property
    def away(self) -> bool:
        return self.loop.time() < self.away_until

    async def call(
        self,
        node: Node,
        what: str,
        work: Callable[[], Any],
        *,
        session: bytes | None = None,
        number: int = 0,
    ) -> Any:
        """Do ``work`` on the server. Raises PyMongo's errors. ``session``: the command is part of its
        transaction ``number``; then ``what`` is ``commit`` for its end."""
        self.calls += 1
        fault = self.on.pop(what, None) or self.faults.get(self.calls)
        if what in self.before:
            self.before.pop(what)()
            await asyncio.sleep(0)
        if session is not None:
            self.writes += 1
            fault = fault or self.write_faults.get(self.writes)
            if what == "commit":
                self.commits += 1
                fault = fault or self.commit_faults.get(self.commits)
        self.loop.note(f"{node.name} {what}{f': {fault.kind} {fault.code or str()}' if fault else ''}")
        if fault is not None:
            self.loop.hits[f"{'commit' if what == 'commit' else 'call'} {fault.kind}"] += 1
        request = Request(node, what, work, self.loop.create_future(), session, number, fault)
        try:
            return await self._call(request)
        except PyMongoError as error:
            if session is not None and isinstance(error, AutoReconnect):
                error._add_error_label(UNKNOWN_COMMIT if what == "commit" else TRANSIENT)
            self.loop.note(f"{node.name} {what} failed: {type(error).__name__} {str(error)[:60]}")
            raise

    async def _call(self, request: Request) -> Any:
        if self.closed:
            raise asyncio.CancelledError
        if self.away:
            await asyncio.sleep(min(SELECTION_SECONDS, self.away_until - self.loop.time() + 0.01))
            if self.away:
                raise ServerSelectionTimeoutError("no server found")
        self._under_way.add(request)
        self._later(self._latency(), lambda: self._arrive(request))
        try:
            async with asyncio.timeout(CALL_SECONDS):
                return await request.reply
        except TimeoutError:
            raise NetworkTimeout("timed out") from None

    def _latency(self) -> float:
        return self.loop.random.uniform(0.0002, 0.004)

    def _later(self, seconds: float, work: Callable[[], None]) -> None:
        self.loop.call_later(seconds, work, context=Context())

    def _arrive(self, request: Request) -> None:
        fault = request.fault
        if self.closed:
            return
        if fault is not None and fault.kind == "hang":
            request.fault = None
            self._later(fault.seconds, lambda: self._arrive(request))
            return
        self._under_way.discard(request)
        lost = fault is not None and fault.kind == "lose_request"
        if self.away or lost:
            self._answer(request, AutoReconnect("connection closed"), SELECTION_SECONDS if lost else 0.0)
            return
        if request.interrupted:
            self._answer(request, failure(11601, "operation was interrupted"))
            return
        if fault is not None and fault.kind == "error":
            self._answer(request, self._refuse(request, fault.code))
            return
        try:
            result = request.work()
        except BlockedError:
            if not request.reply.done():
                self._later(0.01, lambda: self._arrive(request))
            return
        except PyMongoError as error:
            if isinstance(error, OperationFailure) and request.session is not None:
                self.server.abort(request.session, request.number)
            self._answer(request, error)
            return
        if request.session is not None:
            request.node.reach(self._line(request.what))
        if fault is not None and fault.kind == "lose_reply":
            self._answer(request, AutoReconnect("connection closed"), SELECTION_SECONDS)
        else:
            self._answer(request, result)

    def _line(self, what: str) -> str:
        """Of the crash table: where a process is once this has taken effect."""
        if what == "abort":
            return "before the transaction"
        if what != "commit":
            return "in the transaction"
        last = self.server.commits[-1] if self.server.commits else {}
        fired = any(name[1] == "journal" and TIMERS in str(id) for name, id in last)
        return "after a timer's transaction" if fired else "after the transaction"

    def _refuse(self, request: Request, code: int) -> OperationFailure:
        """An error of the server, and what it does to the transaction; of a commit the end may stand."""
        if request.session is None:
            return failure(code, f"error {code}")
        if code not in PASSING_CODES:
            self.server.abort(request.session, request.number)
            return failure(code, f"error {code}")
        if request.what != "commit":
            self.server.abort(request.session, request.number)
            return failure(code, f"error {code}", TRANSIENT)
        if self.loop.random.random() < 0.5:
            request.work()
        else:
            self.server.abort(request.session, request.number)
        return failure(code, f"error {code}", UNKNOWN_COMMIT)

    def _answer(self, request: Request, answer: Any, seconds: float = 0.0) -> None:
        self._later(seconds + self._latency(), lambda: self._deliver(request.reply, answer))

    def _deliver(self, reply: "asyncio.Future[Any]", answer: Any) -> None:
        if reply.done():
            return
        if self.away:
            answer = AutoReconnect("connection closed")
        if isinstance(answer, BaseException):
            reply.set_exception(answer)
        else:
            reply.set_result(answer)

    def kill_sessions(self, sessions: list[bytes]) -> None:
        """What they have open is aborted, what they have under way is interrupted."""
        self.server.kill(sessions)
        for request in self._under_way:
            request.interrupted = request.interrupted or request.session in sessions
