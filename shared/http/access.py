"""Around every request: its id, its trace, its log line, its metric, a body of bounded size, and
an answer even when something broke."""

import asyncio
import contextlib
import re
import time
import uuid

import structlog
from opentelemetry.trace import SpanKind
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.http import audit
from shared.http.problems import BodyTooLargeError, BodyTooSlowError, internal_error
from shared.http.protection import Protection
from shared.runtime.telemetry import HTTP_SECONDS
from shared.runtime.tracing import current_trace_id, span
from shared.schemas.base import ID_PATTERN

REQUEST_ID = "X-Request-Id"
UNMATCHED = "unmatched"
QUIET = frozenset({"/healthz", "/readyz", "/metrics"})
SECRET_PARAMS = frozenset({"token", "code"})
"""Path parameters that are as good as a password: never logged."""
LONGEST_PATH, MOST_PARTS = 200, 8
DRAINED = 8
"""Times the limit that is read of a body too large, so that its sender comes to read the answer."""

_REQUEST_ID = REQUEST_ID.lower().encode()
_is_id = re.compile(ID_PATTERN).fullmatch
_is_word = re.compile(r"[a-z_-]{0,32}").fullmatch

log = structlog.get_logger("rapport.access")


class AccessMiddleware:
    """The outermost: nothing that an app raises gets past it."""

    def __init__(self, app: ASGIApp, service: str, protection: Protection) -> None:
        self._app = app
        self._service = service
        self._protection = protection

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        request_id = headers.get(REQUEST_ID, "")
        if _is_id(request_id) is None:
            request_id = uuid.uuid4().hex
        with (
            span(audit.method_of(scope), headers.get("traceparent"), kind=SpanKind.SERVER) as current,
            structlog.contextvars.bound_contextvars(request_id=request_id, trace_id=current_trace_id()),
            audit.listening(),
        ):
            status = await self._answer(scope, receive, send, request_id)
            current.update_name(f"{audit.method_of(scope)} {route_of(scope)}")
            current.set_attribute("http.response.status_code", status)

    async def _answer(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> int:
        """Run the app, log and measure; the status that went out."""
        started = time.perf_counter()
        status = 0

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = [one for one in message.get("headers", ()) if one[0] != _REQUEST_ID]
                headers.append((_REQUEST_ID, request_id.encode()))
                self._protection.add(headers)
                message["headers"] = headers
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except Exception:
            log.exception("request failed", route=route_of(scope))
            if status:
                # Half an answer is out: only an aborted connection tells the caller so.
                raise
            await internal_error(request_id).response()(scope, receive, sending)
        finally:
            self._record(scope, status or 499, time.perf_counter() - started)
        return status

    def _record(self, scope: Scope, status: int, seconds: float) -> None:
        route = route_of(scope)
        HTTP_SECONDS.labels(self._service, audit.method_of(scope), route, str(status)).observe(seconds)
        given = scope.get("path_params", {})
        params = {name: audit.shown(value) for name, value in given.items() if name not in SECRET_PARAMS}
        if route == UNMATCHED:
            params["path"] = _known_words(scope["path"])
        write = log.warning if status >= 500 else log.debug if route in QUIET else log.info
        write(
            "request",
            method=audit.method_of(scope),
            route=route,
            params=params,
            status=status,
            ms=round(seconds * 1000, 1),
            principal=scope.get("state", {}).get("principal"),
        )
        audit.record(self._service, route, status, scope)


class BodyLimitMiddleware:
    """413 for a body over ``limit`` bytes, declared or not; 408 for one that takes over ``seconds``."""

    def __init__(self, app: ASGIApp, limit: int, seconds: float) -> None:
        self._app = app
        self._limit = limit
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        size, whole = 0, False
        until = asyncio.get_running_loop().time() + self._seconds

        async def receiving() -> Message:
            nonlocal size, whole
            if whole:  # what comes after the body is that the caller hung up, and may take its time
                return await receive()
            try:
                async with asyncio.timeout_at(until):
                    message = await receive()
            except TimeoutError:
                raise BodyTooSlowError from None
            whole = not message.get("more_body")
            size += len(message.get("body", b""))
            if size <= self._limit:
                return message
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(until):
                    while message.get("more_body") and size <= DRAINED * self._limit:
                        message = await receive()
                        size += len(message.get("body", b""))
            raise BodyTooLargeError(self._limit)

        await self._app(scope, receiving, send)


def route_of(scope: Scope) -> str:
    """The template of the route that answered, e.g. ``/members/{id}``."""
    path = getattr(scope.get("route"), "path", None)
    return path if isinstance(path, str) and path else UNMATCHED


def _known_words(path: str) -> str:
    """What may be logged of a path that no route has, in which anything may stand: its lower-case words."""
    return "/".join(part if _is_word(part) else "…" for part in path[:LONGEST_PATH].split("/")[:MOST_PARTS])
