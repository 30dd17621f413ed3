"""Lists in pages: ``{"items": [...], "cursor": ...}``, newest first, ``cursor`` null at the end.

A cursor holds the sort values of the last item shown, so a page does not shift when rows arrive.
It is opaque to callers and trusted by nobody: ``decode_cursor`` checks it as any input.
"""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any, Generic, TypeAlias, TypeVar

from fastapi import Query

from shared.http.problems import ProblemError
from shared.schemas.base import Frozen

T = TypeVar("T")

CursorValue: TypeAlias = str | int | float | bool | datetime | None

DEFAULT_LIMIT = 50
MAX_LIMIT = 500

Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="Items per page.")]
"""``limit: Limit = DEFAULT_LIMIT`` in a route."""
Cursor = Annotated[
    str | None,
    Query(
        max_length=1024,
        description="The cursor of the page before. Another is 422 invalid_cursor.",
        json_schema_extra={"pattern": "^[A-Za-z0-9_-]+$"},
    ),
]
"""``cursor: Cursor = None`` in a route."""


class Page(Frozen, Generic[T]):
    """A page, as ``response_model``."""

    items: list[T]
    cursor: str | None = None


def page(items: Sequence[Any], cursor: str | None) -> dict[str, Any]:
    """The body of a list answer."""
    return {"items": list(items), "cursor": cursor}


def cut(
    rows: Sequence[T], limit: int, values: Callable[[T], Sequence[CursorValue]]
) -> tuple[Sequence[T], str | None]:
    """Read ``limit + 1`` rows and give them here: the page's rows, and the cursor if there are more."""
    if len(rows) <= limit:
        return rows, None
    return rows[:limit], encode_cursor(*values(rows[limit - 1]))


def encode_cursor(*values: CursorValue) -> str:
    """Sort values of the last item shown -> an opaque token. Times must be aware."""
    tagged = [{"t": v.isoformat()} if isinstance(v, datetime) else v for v in values]
    return base64.urlsafe_b64encode(json.dumps(tagged, separators=(",", ":")).encode()).decode().rstrip("=")


def decode_cursor(cursor: str, *types: type) -> list[Any]:
    """The values again; with ``types``, exactly those. Raises 422 ``invalid_cursor``."""
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        values = [_untag(value) for value in json.loads(raw)]
    except (binascii.Error, ValueError, TypeError, KeyError, RecursionError):
        raise bad_cursor() from None
    if types and tuple(type(value) for value in values) != types:
        raise bad_cursor()
    return values


def _untag(value: Any) -> CursorValue:
    if isinstance(value, dict):
        time = datetime.fromisoformat(value["t"])
        if time.tzinfo is None:
            raise ValueError("a time without an offset")
        return time
    # What a store could not even be asked for: a list, half a surrogate pair, an int over 64 bits.
    if isinstance(value, list):
        raise ValueError("a list")
    if isinstance(value, str):
        value.encode()
    if isinstance(value, int) and abs(value) >= 2**63:
        raise ValueError("too large")
    return value  # type: ignore[no-any-return]


def bad_cursor() -> ProblemError:
    """422 ``invalid_cursor``."""
    detail = "The cursor is not one that this list gave."
    return ProblemError(
        422, "invalid_cursor", detail, errors=[{"field": "query.cursor", "code": "cursor", "detail": detail}]
    )
