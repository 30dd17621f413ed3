"""Errors as RFC 9457 problem details: ``application/problem+json`` with a stable ``code``.

``type`` is ``about:blank``: the HTTP status says what kind of problem it is, ``code`` which one.
"""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import Field
from pymongo.errors import ConnectionFailure, ExecutionTimeout, WaitQueueTimeoutError
from starlette.exceptions import HTTPException

from shared.domain import RefusedError
from shared.http.routing import allowed
from shared.kafka.publisher import MAX_RECORD_BYTES, BrokerAwayError, RecordTooLargeError
from shared.runtime.words import words
from shared.schemas.base import Frozen, Open

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = 5

_TITLES = {413: "Content Too Large", 422: "Unprocessable Content"}
"""Where RFC 9110 renamed what Python 3.11 and 3.12 still say."""

log = structlog.get_logger(__name__)


class ProblemError(Exception):
    """Raise it anywhere in a request to answer with it.

    ``code`` is stable, for programs; ``detail`` for people; ``errors`` names each bad input as
    ``{"field": "body.items.0.sku", "code": "missing", "detail": "Field required"}``.
    A 503 says when to ask again, whether ``headers`` do or not.
    """

    def __init__(
        self,
        status: int,
        code: str,
        detail: str = "",
        *,
        title: str | None = None,
        errors: Sequence[Mapping[str, Any]] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{status} {code}: {detail}")
        self.status = status
        self.code = code
        self.detail = detail
        self.title = title if title is not None else phrase(status)
        self.errors = [dict(error) for error in errors] if errors is not None else None
        again = {"Retry-After": str(RETRY_AFTER_S)} if status == HTTPStatus.SERVICE_UNAVAILABLE else {}
        self.headers = again | dict(headers or {})

    def body(self) -> dict[str, Any]:
        """The problem details object."""
        body: dict[str, Any] = {
            "type": "about:blank",
            "title": self.title,
            "status": self.status,
            "code": self.code,
        }
        if self.detail:
            body["detail"] = self.detail
        if self.errors is not None:
            body["errors"] = self.errors
        return body

    def response(self) -> JSONResponse:
        return JSONResponse(self.body(), status_code=self.status, headers=self.headers, media_type=MEDIA_TYPE)


class BodyTooLargeError(HTTPException):
    """More body than ``limit`` bytes. An HTTPException, since FastAPI turns others met while it reads
    a body into a 400."""

    def __init__(self, limit: int) -> None:
        super().__init__(413)
        self.limit = limit


class BodyTooSlowError(HTTPException):
    """The body did not come in time. An HTTPException as ``BodyTooLargeError`` is. The connection is done
    with: what still comes on it is no new request."""

    def __init__(self) -> None:
        super().__init__(408, headers={"Connection": "close"})


class FieldError(Frozen):
    """One input at fault."""

    field: str = Field(description="Where: body.items.0.sku, query.limit, header.Idempotency-Key.")
    code: str = Field(description="What, for programs.")
    detail: str = Field(description="What, for people.")


class ProblemDetails(Open):
    """An RFC 9457 problem; every error answer has this shape."""

    type: str = Field("about:blank", description="Always about:blank: see code.")
    title: str
    status: int
    code: str = Field(description="Stable, for programs.")
    detail: str | None = None
    errors: list[FieldError] | None = None


def phrase(status: int) -> str:
    """The status's own name, e.g. ``Not Found``."""
    try:
        return _TITLES.get(status) or HTTPStatus(status).phrase
    except ValueError:
        return "Error"


def store_unavailable() -> ProblemError:
    return ProblemError(503, "store_unavailable", "The store does not answer. Ask again.")


def broker_unavailable() -> ProblemError:
    return ProblemError(
        503,
        "broker_unavailable",
        "The broker does not answer. Ask again, under the same id or Idempotency-Key.",
    )


def too_large(limit: int) -> ProblemError:
    """413 ``too_large``; ``limit`` in bytes."""
    return ProblemError(413, "too_large", f"The body, or an event in it, has more than {limit} bytes.")


def internal_error(request_id: str) -> ProblemError:
    """500 that gives the caller nothing but what to quote."""
    return ProblemError(500, "internal", f"Something broke here; quote request {request_id}.")


def field_name(location: Sequence[int | str]) -> str:
    """``("body", "items", 0, "sku")`` -> ``body.items.0.sku``."""
    return ".".join(str(part) for part in location)


def invalid(errors: Sequence[Mapping[str, Any]]) -> ProblemError:
    """A Pydantic error list as a problem: 400 ``not_json``, or 422 ``invalid`` naming each field."""
    if any(error["type"] == "json_invalid" for error in errors):
        return ProblemError(400, "not_json", "The body is not JSON.")
    found = [
        {"field": field_name(e["loc"]), "code": e["type"], "detail": e["msg"].removeprefix("Value error, ")}
        for e in errors
    ]
    named = ", ".join(dict.fromkeys(error["field"] for error in found))
    return ProblemError(422, "invalid", f"The request is not valid at {named}.", errors=found)


def from_http(error: HTTPException) -> ProblemError:
    """What Starlette and FastAPI raise themselves: ``not_found``, ``method_not_allowed`` and so on."""
    if isinstance(error, BodyTooLargeError):
        return too_large(error.limit)
    title = phrase(error.status_code)
    code = re.sub(r"[^a-z0-9]+", "_", title.lower()).strip("_")
    detail = error.detail if isinstance(error.detail, str) and error.detail != title else ""
    return ProblemError(error.status_code, code, detail, headers=error.headers)


def from_refusal(
    refusal: RefusedError,
    *,
    errors: Sequence[Mapping[str, Any]] | None = None,
    headers: Mapping[str, str] | None = None,
) -> ProblemError:
    """A refusal of the domain, by whichever way it comes: raised in a route, or a command's outcome.

    ``errors`` and ``headers`` are a route's, where it has more to say than the refusal.
    """
    field = refusal.field
    if errors is None and field:
        errors = [{"field": field, "code": refusal.code, "detail": refusal.detail}]
    return ProblemError(refusal.status, refusal.code, refusal.detail, errors=errors, headers=headers)


STORE_AWAY = (ConnectionFailure, ExecutionTimeout, WaitQueueTimeoutError)
"""What PyMongo raises while the store is away."""
TOLD = (
    ProblemError,
    RefusedError,
    RequestValidationError,
    HTTPException,
    *STORE_AWAY,
    BrokerAwayError,
    RecordTooLargeError,
)
"""All that a route may raise and a caller is told; anything else is the 500 of ``shared.http.access``."""


def from_error(error: Exception) -> ProblemError:
    """The problem that an error of ``TOLD`` is answered with."""
    match error:
        case ProblemError():
            return error
        case RefusedError():
            return from_refusal(error)
        case RequestValidationError():
            return invalid(error.errors())
        case HTTPException():
            return from_http(error)
        case BrokerAwayError():
            log.warning("broker_unavailable", error=words(error))
            return broker_unavailable()
        case RecordTooLargeError():
            return too_large(MAX_RECORD_BYTES)
        case ConnectionFailure() | ExecutionTimeout() | WaitQueueTimeoutError():
            log.warning("store_unavailable", error=words(error))
            return store_unavailable()
        case _:
            raise error


def install(app: FastAPI, known: Callable[[Request, ProblemError], Awaitable[ProblemError]]) -> None:
    """Make every error of the app a problem: ``known`` may know better which."""

    async def answer(request: Request, error: Exception) -> JSONResponse:
        problem = await known(request, from_error(error))
        if problem.status == 405:
            # Starlette names the methods of the first route that the path fits.
            problem.headers["Allow"] = ", ".join(allowed(app, request.scope))
        return problem.response()

    for kind in TOLD:
        app.add_exception_handler(kind, answer)
