"""What was done, or was not allowed to be done, by the scope ``admin``: who, what, about whom, when, and what
came of it. Never what was said: bodies and answers are not in it.

A line of the log, code ``admin_action``, which no log level silences, and a count. What took effect stands in
the journal too, under the caller's name. ``record`` is where a trail of all that was read would begin.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import structlog
from fastapi import Request

from shared.runtime.telemetry import ADMIN_ACTIONS

CODE = "admin_action"
MOST_CUSTOMERS = 100
"""Of one request that are named."""
ABOUT = ("customer_id", "complaint_id", "id")
"""Path parameters that say whom it was about, the first that is there."""

log = structlog.get_logger("rapport.audit")


def note(request: Request, customer: str | None = None) -> None:
    """This request uses the scope ``admin``, allowed or not; ``customer``: about whom, if the path does not
    say it."""
    about: list[str] | None = getattr(request.state, "admin", None)
    if about is None:
        about = request.state.admin = []
    if customer is not None and customer not in about and len(about) < MOST_CUSTOMERS:
        about.append(customer)


def record(service: str, route: str, status: int, scope: Mapping[str, Any]) -> None:
    """Once a request is answered: tell of it, if it used ``admin``."""
    state, path = scope.get("state", {}), scope.get("path_params", {})
    about = state.get("admin")
    if about is None:
        return
    outcome = outcome_of(status)
    customers = about or [path[name] for name in ABOUT if name in path][:1]
    ADMIN_ACTIONS.labels(service, route, outcome).inc()
    log.info(
        CODE,
        code=CODE,
        principal=state.get("principal"),
        method=scope["method"],
        route=route,
        customers=customers,
        status=status,
        outcome=outcome,
        at=datetime.now(UTC).isoformat(),
    )


def outcome_of(status: int) -> str:
    """done, pending (its command had no answer in time), refused (to this caller, or by a rule), failed."""
    if status >= 500 or status == 499:
        return "failed"
    if status >= 400:
        return "refused"
    return "pending" if status == 202 else "done"
