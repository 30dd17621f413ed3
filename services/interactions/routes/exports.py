"""All that is held of a person in all services, for them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any, Literal, cast

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

from services.interactions.errors import UNKNOWN_CUSTOMER, UNKNOWN_EXPORT
from services.interactions.export.exports import Export, Exports, Format
from services.interactions.export.gathering import Sources, sources_of
from services.interactions.export.making import Making
from services.interactions.export.page import page_headers
from services.interactions.models.exports import ExportView, export_view
from services.interactions.routes.dependencies import Admin, CustomerId, Store
from shared.http import audit
from shared.http.dependencies import Database
from shared.http.errors import responses
from shared.http.gone import is_erased, not_erased
from shared.http.problems import ProblemError

router = APIRouter(tags=["privacy"])

RETRY_AFTER_S = 2


async def get_making(request: Request) -> Making:
    return cast(Making, request.app.state.exporting)


async def get_sources(request: Request, database: Database) -> Sources:
    return sources_of(request.app.state.settings, database)


async def get_exports(database: Database) -> Exports:
    return Exports(database)


Under = Annotated[Making, Depends(get_making)]
"""Makes exports in the background."""
Services = Annotated[Sources, Depends(get_sources)]
Kept = Annotated[Exports, Depends(get_exports)]
Wished = Annotated[
    Literal["json", "html"] | None, Query(description="Without it, as `Accept` says; JSON where it does not.")
]
ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The export: JSON by `docs/schemas/rapport.export.v1.json`, or a page.",
        "content": {
            "application/json": {"schema": {"type": "object"}},
            "text/html": {"schema": {"type": "string"}},
        },
    },
    503: {"description": "export_failed: a service does not answer, and the detail names it."},
    202: {"model": ExportView, "description": "It is being made; Location says where it will be."},
}


@router.get(
    "/customers/{customer_id}/export",
    summary="All that is held of a person, in all services",
    response_class=Response,
    responses={**responses(UNKNOWN_CUSTOMER), **ANSWERS},
)
async def export(
    principal: Admin,
    request: Request,
    store: Store,
    making: Under,
    sources: Services,
    exports: Kept,
    customer_id: CustomerId,
    format: Wished = None,
) -> Response:
    """Profile, consents with evidence, timeline, complaints, conversations, points, messages, scores and all
    other rows, of all ids that are this person. What takes longer than five seconds goes on in the
    background: 202, and Location names where it is fetched, within a day. 503 ``export_failed`` names the
    service that does not answer: an export is whole or it is none."""
    customer = await store.customer(customer_id)
    if customer is None:
        raise UNKNOWN_CUSTOMER(customer=customer_id)
    gone = partial(is_erased, request, customer_id)
    made = await making.begin(exports, sources, customer, principal.name, gone)
    return await _answer(request, exports, made, format)


@router.get(
    "/exports/{export_id}",
    summary="An export that was asked for",
    response_class=Response,
    responses={**responses(UNKNOWN_EXPORT), **ANSWERS},
)
async def exported(
    principal: Admin,
    request: Request,
    exports: Kept,
    export_id: Annotated[str, Path(pattern="^[0-9a-f]{32}$")],
    format: Wished = None,
) -> Response:
    """202 while it is being made. It is kept for a day, as JSON and as a page. 410 ``erased`` where the
    customer has been erased since."""
    found = await exports.find(export_id, datetime.now(UTC))
    if found is None:
        raise UNKNOWN_EXPORT(export=export_id)
    await not_erased(request, found.customer_id)
    audit.note(request, found.customer_id)
    audit.touched(found.customer_id)
    return await _answer(request, exports, found, format)


async def _answer(request: Request, exports: Exports, found: Export, format: Format | None) -> Response:
    place = f"/exports/{found.id}"
    if found.status == "failed":
        detail = f"The export could not be made: {found.why}."
        raise ProblemError(503, "export_failed", detail)
    if found.status == "making":
        later = {"Location": place, "Retry-After": str(RETRY_AFTER_S), "Cache-Control": "no-store"}
        return JSONResponse(export_view(found).model_dump(mode="json"), 202, later)
    wished: Format = format or ("html" if _by_browser(request) else "json")
    headers: Mapping[str, str] = {"Cache-Control": "no-store"} if wished == "json" else page_headers()
    media = {"json": "application/json", "html": "text/html; charset=utf-8"}[wished]
    return StreamingResponse(
        exports.text(found.id, wished), headers={**headers, "Content-Location": place}, media_type=media
    )


def _by_browser(request: Request) -> bool:
    return "text/html" in request.headers.get("Accept", "")
