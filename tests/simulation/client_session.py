"""Sessions and transactions as PyMongo's client has them, on the in-memory MongoDB."""

import contextlib
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal

from bson import Binary
from pymongo.errors import ConnectionFailure, OperationFailure

if TYPE_CHECKING:
    from tests.simulation.client import SimClient


class SimSession:
    """A server session; the driver keeps those that ended and uses them again."""

    def __init__(self, client: "SimClient") -> None:
        self.client = client
        made = bytes(client.store.loop.random.randrange(256) for _ in range(16))
        self.id, self.number = client.idle.pop() if client.idle else (made, 0)
        self.state: Literal["none", "starting", "open", "ended"] = "none"
        self._ended = False

    @property
    def session_id(self) -> Mapping[str, Any]:
        return {"id": Binary(self.id, 4)}

    @property
    def in_transaction(self) -> bool:
        return self.state in ("starting", "open")

    async def start_transaction(self, *args: Any, **options: Any) -> "_TransactionContext":
        assert not self.in_transaction
        self.number += 1
        self.state = "starting"
        return _TransactionContext(self)

    async def commit_transaction(self) -> None:
        began, self.state = self.state, "ended"
        if began == "open":
            number = self.number
            await self._call("commit", lambda: self.client.store.server.commit(self.id, number))

    async def abort_transaction(self) -> None:
        began, self.state = self.state, "ended"
        if began == "open":
            number = self.number
            # As the driver does: the server ends it by itself.
            with contextlib.suppress(OperationFailure, ConnectionFailure):
                await self._call("abort", lambda: self.client.store.server.abort(self.id, number))

    async def _call(self, what: str, work: Callable[[], Any]) -> None:
        store = self.client.store
        await store.call(self.client.node, what, work, session=self.id, number=self.number)

    async def end_session(self) -> None:
        if self.in_transaction:
            await self.abort_transaction()
        if not self._ended:
            self._ended = True
            self.client.idle.append((self.id, self.number))

    async def __aenter__(self) -> "SimSession":
        return self

    async def __aexit__(self, *raised: object) -> None:
        await self.end_session()


class _TransactionContext:
    def __init__(self, session: SimSession) -> None:
        self._session = session

    async def __aenter__(self) -> "_TransactionContext":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session.in_transaction:
            if error is None:
                await self._session.commit_transaction()
            else:
                await self._session.abort_transaction()
