"""Vouchers: reserved, used once, or given back unused."""

from typing import Annotated

from fastapi import APIRouter, Path
from fastapi.responses import JSONResponse

from services.loyalty import errors
from services.loyalty.models.vouchers import HolderBody, ReservationAnswer, ReservationBody, VoucherAnswer
from services.loyalty.routes.dependencies import Redeemer, Store, answers
from services.loyalty.store import LoyaltyStore
from shared.facts.text import voucher_code
from shared.http.bodies import Told
from shared.http.commands import IdempotencyKey
from shared.http.dependencies import SendCommands
from shared.schemas.commands.loyalty import (
    VoucherCancelRequested,
    VoucherRedeemRequested,
    VoucherReleaseRequested,
    VoucherReserveRequested,
)

router = APIRouter(tags=["vouchers"])

Code = Annotated[
    str,
    Path(
        min_length=1,
        max_length=128,
        pattern=r"^[^\x00-\x1f\x7f]+$",
        description="The code; in lower case, or with spaces around, it is the same.",
    ),
]
REFUSALS = answers(
    errors.UNKNOWN_VOUCHER,
    errors.VOUCHER_REDEEMED,
    errors.VOUCHER_CANCELLED,
    errors.VOUCHER_EXPIRED,
    errors.VOUCHER_RESERVED,
)


@router.post(
    "/vouchers/{code}/redeem",
    summary="Use a voucher, once",
    response_model=VoucherAnswer,
    responses=REFUSALS,
)
async def redeem_voucher(
    code: Code,
    store: Store,
    principal: Redeemer,
    commands: SendCommands,
    body: Told[HolderBody] | None = None,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """What an order reserved, only that order uses: the body names it."""
    code = voucher_code(code)
    owner = await _owner(store, code)
    asked = VoucherRedeemRequested(voucher_code=code, **_told(body))
    return (await commands.submit(principal, "vouchers.redeem", owner, asked, key)).response()


@router.post(
    "/vouchers/{code}/cancel",
    summary="Give an unused voucher's points back",
    response_model=VoucherAnswer,
    responses=REFUSALS,
)
async def cancel_voucher(
    code: Code, store: Store, principal: Redeemer, commands: SendCommands, key: IdempotencyKey = None
) -> JSONResponse:
    code = voucher_code(code)
    owner = await _owner(store, code)
    asked = VoucherCancelRequested(voucher_code=code)
    return (await commands.submit(principal, "vouchers.cancel", owner, asked, key)).response()


@router.post(
    "/vouchers/{code}/reserve",
    summary="Hold a voucher while its customer pays",
    response_model=ReservationAnswer,
    responses=REFUSALS,
)
async def reserve_voucher(
    code: Code,
    store: Store,
    principal: Redeemer,
    commands: SendCommands,
    body: Told[ReservationBody] | None = None,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """Until `reserved_until`, or its expiry if that is earlier, nobody reserves it again or cancels it, and
    where an order is named no other uses it. For the order that holds it already nothing changes."""
    code = voucher_code(code)
    owner = await _owner(store, code)
    body = body or ReservationBody()
    asked = VoucherReserveRequested(voucher_code=code, seconds=body.seconds, **_told(body))
    return (await commands.submit(principal, "vouchers.reserve", owner, asked, key)).response()


@router.post(
    "/vouchers/{code}/release",
    summary="Hold a voucher no more",
    response_model=ReservationAnswer,
    responses=REFUSALS,
)
async def release_voucher(
    code: Code,
    store: Store,
    principal: Redeemer,
    commands: SendCommands,
    body: Told[HolderBody] | None = None,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """One that nobody holds is as it was. What an order reserved, only that order releases."""
    code = voucher_code(code)
    owner = await _owner(store, code)
    asked = VoucherReleaseRequested(voucher_code=code, **_told(body))
    return (await commands.submit(principal, "vouchers.release", owner, asked, key)).response()


def _told(body: HolderBody | ReservationBody | None) -> dict[str, str]:
    """What a command says of the order; a field that was not told is not there."""
    return {} if body is None or body.order_id is None else {"order_id": body.order_id}


async def _owner(store: LoyaltyStore, code: str) -> str:
    owner = await store.voucher_owner(code)
    if owner is None:
        raise errors.UNKNOWN_VOUCHER()
    return owner
