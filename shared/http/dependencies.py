"""What routes are given: each a type for a parameter, so that a route says what it needs and no more.

A service adds its own (its store, its configuration, its callers by scope) in ``routes/dependencies.py``.
"""

from typing import Annotated, Any, Protocol, cast

from fastapi import Depends, Request
from pymongo.asynchronous.database import AsyncDatabase

from shared.http.clock import ApiClock, Partitions
from shared.http.commands import Commands, Sender


class Producing(Sender, Partitions, Protocol):
    """What an app needs of a ``Publisher``."""

    @property
    def ready(self) -> bool: ...

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


async def get_database(request: Request) -> AsyncDatabase[dict[str, Any]]:
    return cast(AsyncDatabase[dict[str, Any]], request.app.state.database)


async def get_commands(request: Request) -> Commands:
    return cast(Commands, request.app.state.commands)


async def get_clock(request: Request) -> ApiClock:
    return cast(ApiClock, request.app.state.clock)


async def get_producer(request: Request) -> Producing:
    return cast(Producing, request.app.state.publisher)


Database = Annotated[AsyncDatabase[dict[str, Any]], Depends(get_database)]
"""The service's own database."""
SendCommands = Annotated[Commands, Depends(get_commands)]
"""Sends this service's commands: ``await commands.submit(...)``."""
Clock = Annotated[ApiClock, Depends(get_clock)]
"""``await clock.now(subject)``: the wall clock, or the customer's watermark."""
Producer = Annotated[Producing, Depends(get_producer)]
"""``await producer.publish(records)``; ``BrokerAwayError`` becomes 503 by itself."""
