"""What was done, or was not allowed to be done, by the scope ``admin``: who, what, about whom, when, and what
came of it. Never what was said: bodies and answers are not in it.

A line of the log, code ``admin_action``, which no log level silences, and a count. What took effect stands in
the journal too, under the caller's name.

And what is read or changed of a person, by whatever scope: rows of the trail (``trail.py``), written in the
background. Whom a request was about is said by its path, its query, its command, or by ``touched``.
"""

import contextlib
import re
from collections.abc import Iterable, Iterator, Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

import structlog
from fastapi import Request

from shared.facts.aliases import is_alias
from shared.http.routing import METHODS
from shared.http.trail import Entry, Trail
from shared.runtime.telemetry import ADMIN_ACTIONS
from shared.schemas.base import ID_PATTERN

CODE = "admin_action"
MOST_CUSTOMERS = 100
"""Of one request that are named."""
ABOUT = ("customer_id", "complaint_id", "id")
"""Path parameters that say whom it was about, the first that is there."""

NAMED_BY = ("customer_id", "customer")
"""Parameters of a path or a query that are a customer's id."""

_touched: ContextVar[dict[str, None] | None] = ContextVar("touched", default=None)
_is_id = re.compile(ID_PATTERN).fullmatch

log = structlog.get_logger("rapport.audit")


def note(request: Request, customer: str | None = None) -> None:
    """This request uses the scope ``admin``, allowed or not; ``customer``: about whom, if the path does not
    say it."""
    about: list[str] | None = getattr(request.state, "admin", None)
    if about is None:
        about = request.state.admin = []
    if customer is not None and customer not in about and len(about) < MOST_CUSTOMERS:
        about.append(customer)


@contextlib.contextmanager
def listening() -> Iterator[None]:
    """While a request is answered, ``touched`` is heard."""
    token = _touched.set({})
    try:
        yield
    finally:
        _touched.reset(token)


def touched(customer: str) -> None:
    """The request that is answered just now is about this customer. An alias, which may be an address, is
    never noted."""
    found = _touched.get()
    if found is not None and not is_alias(customer):
        found[customer] = None


def shown(parameter: object) -> str:
    """A path's parameter as a log may have it: what is no id, or an alias, may be somebody's address."""
    text = str(parameter)
    return text if _is_id(text) and not is_alias(text) else "…"


def method_of(scope: Mapping[str, Any]) -> str:
    """A caller may invent methods: each would be a time series for ever, and may say anything."""
    method: str = scope["method"]
    return method if method in METHODS else "OTHER"


def listed(request: Request) -> None:
    """This request reads customers' data, even where it names none of them."""
    request.state.reads_customers = True


def record(service: str, route: str, status: int, scope: Mapping[str, Any]) -> None:
    """Once a request is answered: an entry of the trail for each customer whom it was about, and a line of
    the log if it used ``admin``."""
    _trace(route, status, scope)
    state, path = scope.get("state", {}), scope.get("path_params", {})
    about = state.get("admin")
    if about is None:
        return
    outcome = outcome_of(status)
    customers = about or [shown(path[name]) for name in ABOUT if name in path][:1]
    ADMIN_ACTIONS.labels(service, route, outcome).inc()
    log.info(
        CODE,
        code=CODE,
        principal=state.get("principal"),
        method=method_of(scope),
        route=route,
        customers=customers,
        status=status,
        outcome=outcome,
        at=datetime.now(UTC).isoformat(),
    )


def _trace(route: str, status: int, scope: Mapping[str, Any]) -> None:
    state = scope.get("state", {})
    trail: Trail | None = getattr(getattr(scope.get("app"), "state", None), "trail", None)
    customers: list[str | None] = [*_about(scope)]
    if trail is None or not (customers or state.get("reads_customers")):
        return
    who, at, outcome = state.get("principal"), datetime.now(UTC), outcome_of(status)
    method = method_of(scope)
    trail.note([Entry(one, who, method, route, status, outcome, at) for one in customers or [None]])


def _about(scope: Mapping[str, Any]) -> Iterable[str]:
    """Each customer once."""
    found = {one: None for one in _touched.get() or () if _is_id(one)}
    query = parse_qs(scope.get("query_string", b"").decode("latin-1")) if scope.get("query_string") else {}
    for name in NAMED_BY:
        values = [scope.get("path_params", {}).get(name, ""), *query.get(name, ())]
        found |= {value: None for value in values if _is_id(value)}
    return [one for one in found if not is_alias(one)]


def outcome_of(status: int) -> str:
    """done, pending (its command had no answer in time), refused (to this caller, or by a rule), failed."""
    if status >= 500 or status == 499:
        return "failed"
    if status >= 400:
        return "refused"
    return "pending" if status == 202 else "done"
