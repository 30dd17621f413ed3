"""What the routes have in common."""

from typing import Annotated, Any

from fastapi import Depends, Path, Request

from services.interactions.store import InteractionsStore
from shared.http.dependencies import get_database
from shared.http.paging import decode_cursor
from shared.http.problems import Problem
from shared.schemas.base import ID_PATTERN

CustomerId = Annotated[str, Path(pattern=ID_PATTERN)]
ComplaintId = Annotated[str, Path(pattern=ID_PATTERN)]


def get_store(request: Request) -> InteractionsStore:
    return InteractionsStore(get_database(request))


Store = Annotated[InteractionsStore, Depends(get_store)]


def last_shown(cursor: str | None) -> str | None:
    """The sort key in a cursor. Raises 422 ``invalid_cursor``."""
    if cursor is None:
        return None
    place: str = decode_cursor(cursor, str)[0]
    return place


def unknown_customer(customer_id: str) -> Problem:
    return Problem(404, "unknown_customer", f"Nothing has been heard of customer {customer_id}.")


def answers(model: Any, status: int = 200) -> dict[int | str, dict[str, Any]]:
    """OpenAPI: what a command answers, at once or later."""
    pending = {"description": "Accepted; Location says where the answer will be."}
    return {status: {"model": model}, 202: pending}
