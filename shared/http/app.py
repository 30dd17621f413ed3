"""The HTTP side of a service: one app made of its routers and of what every service has.

Nothing connects before the app starts, and its start waits for nobody: with Kafka or MongoDB away it
serves what it can, answers 503 for the rest, and says so at ``/readyz``.
"""

import asyncio
import socket
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any

import structlog
import uvicorn
from fastapi import APIRouter, Depends, FastAPI
from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase

from shared.http import openapi, operations, problems, trailing
from shared.http.access import AccessMiddleware, BodyLimitMiddleware
from shared.http.auth import Authenticator
from shared.http.budgets import Budgets
from shared.http.clock import ApiClock
from shared.http.commands import Commands
from shared.http.dependencies import Producing
from shared.http.gone import or_gone
from shared.http.protection import Protection
from shared.http.routing import once
from shared.http.trail import Trail
from shared.kafka.brokers import Brokers
from shared.kafka.publisher import Publisher
from shared.runtime import mongo
from shared.runtime.crashes import tell_in_the_log
from shared.runtime.erasure_guard import other_key
from shared.runtime.heap import settle_heap
from shared.runtime.mongo import Document
from shared.runtime.refusal import end_process
from shared.runtime.settings import Settings
from shared.runtime.telemetry import configure_logging, tell_version

log = structlog.get_logger(__name__)

SOCKET_TIMEOUT_S = 10
GRACE_S = 10
"""Seconds that requests in flight have at the end."""


Part = Callable[[FastAPI], AbstractAsyncContextManager[None]]
"""Something of a service's own that lives as long as the app."""


class Api(FastAPI):
    """FastAPI whose OpenAPI document knows about problems."""

    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            self.openapi_schema = openapi.complete(super().openapi())
        return self.openapi_schema


def create_api(
    settings: Settings,
    service: str,
    title: str,
    routers: Sequence[APIRouter],
    *,
    publisher: Producing | None = None,
    client: AsyncMongoClient[Document] | None = None,
    parts: Sequence[Part] = (),
) -> FastAPI:
    """The app of ``service`` on database ``rapport_<service>``.

    ``publisher`` and ``client`` are for tests: a client given here is not closed here. ``parts`` are
    entered in order after both are there.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            store = client if client is not None else await stack.enter_async_context(connect(settings))
            producer = publisher if publisher is not None else Publisher(Brokers.of(settings))
            if client is None:
                first = partial(meet, store, service, settings)
                meeting = asyncio.create_task(mongo.until_let_in(settings, first))
                stack.callback(meeting.cancel)
            await producer.start()
            stack.push_async_callback(producer.stop)
            _equip(app, settings, service, store[f"rapport_{service}"], producer)
            app.state.trail = Trail(service, app.state.database, settings.erased_by)
            await stack.enter_async_context(app.state.trail.keep())
            for part in parts:
                await stack.enter_async_context(part(app))
            yield

    app = Api(
        title=title,
        version="1",
        description=_description(service),
        lifespan=lifespan,
        redoc_url=None,
        dependencies=[Depends(once)],
        # Traces and metrics are ours (access.py): a span passes through without an SDK too.
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.state.service = service
    app.state.settings = settings
    app.state.authenticator = Authenticator(settings)
    if not app.state.authenticator.configured:
        log.warning("nobody can call: set RAPPORT_API_KEY, RAPPORT_API_KEYS or a JWT key")
    app.state.budgets = Budgets(settings.rate_limit)
    app.add_middleware(BodyLimitMiddleware, limit=settings.max_body_bytes, seconds=settings.body_timeout)
    app.add_middleware(AccessMiddleware, service=service, protection=Protection(settings, service))
    problems.install(app, or_gone)
    for router in (*routers, trailing.router, operations.router):
        app.include_router(router)
    return app


def connect(settings: Settings) -> AsyncMongoClient[Document]:
    """A client that connects when first used and gives up soon. Times come back aware (UTC)."""
    connecting = int(settings.store_timeout * 1000)
    return mongo.connect(settings, connectTimeoutMS=connecting, socketTimeoutMS=SOCKET_TIMEOUT_S * 1000)


async def meet(client: AsyncMongoClient[Document], service: str, settings: Settings) -> None:
    """Ask the store for the first time. Ends the process where its erased ids are of another key."""
    await client.admin.command("ping")
    if (refusal := await other_key(client[f"rapport_{service}"], settings.erased_by)) is not None:
        end_process(refusal)


def _equip(
    app: FastAPI, settings: Settings, service: str, database: AsyncDatabase[Document], producer: Producing
) -> None:
    clock = ApiClock(database, producer, stream=settings.clock == "stream", partitions=settings.partitions)
    app.state.database = database
    app.state.publisher = producer
    app.state.clock = clock
    app.state.commands = Commands(
        service,
        database,
        producer,
        clock,
        timeout=settings.command_timeout,
        keys=settings.key_ring,
        erased_by=settings.erased_by,
    )


def _description(service: str) -> str:
    return (
        f"The {service} service of Rapport. Errors are `application/problem+json` (RFC 9457) with a stable "
        "`code`; lists are newest first with an opaque `cursor`; writes take `Idempotency-Key`. Scopes are "
        "independent of each other: `admin` implies no other."
    )


def run_api(app: FastAPI, settings: Settings) -> None:
    """Serve until a signal ends it. A port in use ends the process with 2 and a sentence."""
    configure_logging(settings, app.state.service)
    tell_in_the_log()
    tell_version(app.state.service)
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        listener = socket.create_server((settings.host, settings.api_port), family=family, backlog=1024)
    except OSError as error:
        print(
            f"Cannot listen on {settings.host} port {settings.api_port} ({error.strerror}): "
            "set RAPPORT_API_PORT to a free port, or stop what uses this one.",
            file=sys.stderr,
        )
        raise SystemExit(2) from None
    # Connections inherit it. uvloop sees to it by itself; without it each answer would wait for 40 ms.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    log.info("listening", host=settings.host, port=listener.getsockname()[1])
    config = uvicorn.Config(
        app, log_config=None, access_log=False, server_header=False, timeout_graceful_shutdown=GRACE_S
    )
    server = uvicorn.Server(config)
    settle_heap()
    app.state.stopping = lambda: server.should_exit
    """Whether a signal has come: an answer that goes on for ever then ends."""
    server.run(sockets=[listener])
