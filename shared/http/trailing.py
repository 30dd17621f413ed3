"""``GET /audit``: who read or changed what about a person."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request

from shared.http.auth import Principal, require
from shared.http.dependencies import Database
from shared.http.moments import QueryTime
from shared.http.paging import DEFAULT_LIMIT, Cursor, Limit, Page, cut, decode_cursor, page
from shared.runtime.trail import AUDIT, trail_of
from shared.schemas.base import ID_PATTERN, Frozen

router = APIRouter(tags=["privacy"])

Admin = Annotated[Principal, Depends(require("admin"))]
Customer = Annotated[str | None, Query(pattern=ID_PATTERN)]
Caller = Annotated[str | None, Query(alias="principal", min_length=1, max_length=300)]
From = Annotated[QueryTime | None, Query(alias="from", description="Not before this time.")]
To = Annotated[QueryTime | None, Query(description="Before this time.")]


class AuditEntry(Frozen):
    """One request about one customer; ``customer`` is null of a list that named none."""

    at: datetime
    customer: str | None
    principal: str | None
    method: str
    route: str
    status: int
    outcome: str


@router.get("/audit", summary="Who read or changed a person's data", response_model=Page[AuditEntry])
async def audit(
    request: Request,
    principal: Admin,
    database: Database,
    customer: Customer = None,
    caller: Caller = None,
    since: From = None,
    to: To = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> dict[str, Any]:
    """The requests to this service, of 400 days, newest first; a second or so after they were answered. Of
    an erased customer there are those that were since then, the wish to erase them first of all: their
    ``customer`` is the hash by which `GET /erasures/{id}` knows them. Either is found, after a lift too."""
    wanted: dict[str, Any] = {}
    if customer is not None:
        wanted |= trail_of(customer, request.app.state.settings.erased_by)
    if caller is not None:
        wanted["principal"] = caller
    times = {name: time for name, time in (("$gte", since), ("$lt", to)) if time is not None}
    if times:
        wanted["at"] = times
    if cursor is not None:
        at, id = decode_cursor(cursor, datetime, str)
        wanted = {"$and": [wanted, {"$or": [{"at": {"$lt": at}}, {"at": at, "_id": {"$lt": id}}]}]}
    found = database[AUDIT.name].find(wanted).sort([("at", -1), ("_id", -1)]).limit(limit + 1)
    rows, after = cut(await found.to_list(), limit, lambda row: (row["at"], row["_id"]))
    return page([_view(row) for row in rows], after)


def _view(row: dict[str, Any]) -> AuditEntry:
    return AuditEntry.model_validate({name: row[name] for name in AuditEntry.model_fields})
