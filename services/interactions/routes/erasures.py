"""A person is forgotten: asked for, proven, taken back."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import JSONResponse

from services.interactions.domain.erasing.rows import ErasureRow
from services.interactions.erasure_store import ErasureStore
from services.interactions.errors import ERASURE_UNDER_WAY, UNKNOWN_CUSTOMER, UNKNOWN_ERASURE
from services.interactions.models.erasures import (
    Certificate,
    ErasureAsked,
    ErasureAwaited,
    ErasureKey,
    ErasureLifted,
    ErasureView,
    erasure_view,
)
from services.interactions.routes.complaints import answers
from services.interactions.routes.dependencies import Admin, CustomerId, Store, last_shown
from shared.facts.certificate import certificate, public_key, signing_seed
from shared.facts.erased import erased_hash
from shared.http.commands import IdempotencyKey
from shared.http.dependencies import Database, SendCommands
from shared.http.errors import responses
from shared.http.gone import is_erased
from shared.http.paging import DEFAULT_LIMIT, Cursor, Limit, Page, cut, page
from shared.schemas.base import ID_PATTERN
from shared.schemas.commands.customers import CustomerEraseRequested
from shared.schemas.commands.erasures import ErasureLiftRequested

router = APIRouter(tags=["privacy"])

ASKED: dict[int | str, dict[str, Any]] = {
    202: {
        "model": ErasureAsked | ErasureAwaited,
        "description": "It has begun, or is to: Location says where to look.",
    }
}


async def get_erasures(database: Database) -> ErasureStore:
    return ErasureStore(database)


async def get_hash_key(request: Request) -> bytes:
    key: bytes = request.app.state.settings.erased_by
    return key


Kept = Annotated[ErasureStore, Depends(get_erasures)]
HashKey = Annotated[bytes, Depends(get_hash_key)]
ErasureId = Annotated[
    str, Path(pattern=ID_PATTERN, description="The erased customer's id, or the erasure's name.")
]


@router.delete(
    "/customers/{customer_id}",
    summary="Forget a person, everywhere and for good",
    status_code=202,
    responses=ASKED | responses(UNKNOWN_CUSTOMER),
)
async def erase(
    principal: Admin,
    request: Request,
    store: Store,
    commands: SendCommands,
    hash_key: HashKey,
    customer_id: CustomerId,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """Every service removes what it has of them, under all ids that are this person, and keeps a keyed hash
    by which whatever is told later has no effect. Asked twice it is the same erasure. Its certificate says
    when each service was done."""
    if not await is_erased(request, customer_id):
        if not await store.ids(customer_id):
            raise UNKNOWN_CUSTOMER(customer=customer_id)
        asked = CustomerEraseRequested()
        answer = await commands.submit(principal, "customers.erase", customer_id, asked, key)
        if "location" in answer.body:  # it is in the log, and has not been handled yet
            return answer.response()
    erasure = erased_hash(hash_key, customer_id)
    place = f"/erasures/{erasure}"
    begun = ErasureAsked(status="begun", erasure=erasure, location=place)
    return JSONResponse(begun.model_dump(mode="json"), 202, {"Location": place, "Cache-Control": "no-store"})


@router.get("/erasures", summary="Erasures, the last one first", response_model=Page[ErasureView])
async def list_erasures(
    principal: Admin,
    erasures: Kept,
    waiting: Annotated[bool, Query(description="Only those for which a service is waited for.")] = False,
    cursor: Cursor = None,
    limit: Limit = DEFAULT_LIMIT,
) -> dict[str, Any]:
    """How far each has come. None says whose it is."""
    rows = await erasures.listed(waiting=waiting, before=last_shown(cursor), limit=limit + 1)
    shown, following = cut(rows, limit, lambda row: (row.order,))
    return page([erasure_view(row) for row in shown], following)


@router.get("/erasure-key", summary="What certificates are checked with")
async def key_of_certificates(principal: Admin, hash_key: HashKey) -> ErasureKey:
    """The public key, for whoever is to check certificates without asking here. It is the same for ever."""
    return ErasureKey(public_key=public_key(signing_seed(hash_key)))


@router.get(
    "/erasures/{erasure_id}",
    summary="An erasure's certificate",
    response_model=Certificate,
    responses=responses(UNKNOWN_ERASURE),
)
async def certified(
    principal: Admin, erasures: Kept, hash_key: HashKey, erasure_id: ErasureId
) -> JSONResponse:
    """What each service removed, and when; ``complete`` once all have. `rapport customer verify-erasure`
    checks it, with nothing but the public key."""
    row = await _known(erasures, hash_key, erasure_id)
    signed = certificate(row.erasure, row.entries, signing_seed(hash_key))
    return JSONResponse(signed, headers={"Cache-Control": "no-store"})


@router.post(
    "/erasures/{erasure_id}/lift",
    summary="Let an erased id be used again",
    responses=answers(ErasureLifted) | responses(UNKNOWN_ERASURE, ERASURE_UNDER_WAY),
)
async def lift(
    principal: Admin,
    erasures: Kept,
    commands: SendCommands,
    hash_key: HashKey,
    erasure_id: Annotated[str, Path(pattern=ID_PATTERN, description="The erased customer's id itself.")],
    key: IdempotencyKey = None,
) -> JSONResponse:
    """For somebody who comes back, or an id that was never theirs. Nothing that was removed comes back; what
    is told from then on has its effect again."""
    row = await erasures.one(erased_hash(hash_key, erasure_id))
    if row is None:
        raise UNKNOWN_ERASURE()
    if row.missing:
        raise ERASURE_UNDER_WAY(missing=", ".join(row.missing))
    answer = await commands.submit(principal, "erasures.lift", erasure_id, ErasureLiftRequested(), key)
    return answer.response()


async def _known(erasures: ErasureStore, hash_key: bytes, named: str) -> ErasureRow:
    """By the customer's id, or by the erasure's own name. Raises 404 ``unknown_erasure``."""
    row = await erasures.one(erased_hash(hash_key, named)) or await erasures.one(named)
    if row is None:
        raise UNKNOWN_ERASURE()
    return row
