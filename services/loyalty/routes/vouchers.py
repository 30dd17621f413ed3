"""Vouchers: reserved, used once, or given back unused."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Path
from fastapi.responses import JSONResponse

from services.loyalty import errors
from services.loyalty.models.vouchers import HolderBody, ReservationAnswer, ReservationBody, VoucherAnswer
from services.loyalty.routes.dependencies import Redeemer, Store, answers
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


@dataclass(frozen=True, slots=True)
class Found:
    """A voucher that there is."""

    code: str
    owner: str
    """The customer's id: its commands are keyed by that."""


async def _found(code: Code, store: Store) -> Found:
    code = voucher_code(code)
    owner = await store.voucher_owner(code)
    if owner is None:
        raise errors.UNKNOWN_VOUCHER()
    return Found(code, owner)


Voucher = Annotated[Found, Depends(_found)]
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
    principal: Redeemer,
    voucher: Voucher,
    commands: SendCommands,
    body: Told[HolderBody] | None = None,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """What an order reserved, only that order uses: the body names it."""
    asked = VoucherRedeemRequested(voucher_code=voucher.code, **_told(body))
    return (await commands.submit(principal, "vouchers.redeem", voucher.owner, asked, key)).response()


@router.post(
    "/vouchers/{code}/cancel",
    summary="Give an unused voucher's points back",
    response_model=VoucherAnswer,
    responses=REFUSALS,
)
async def cancel_voucher(
    principal: Redeemer, voucher: Voucher, commands: SendCommands, key: IdempotencyKey = None
) -> JSONResponse:
    asked = VoucherCancelRequested(voucher_code=voucher.code)
    return (await commands.submit(principal, "vouchers.cancel", voucher.owner, asked, key)).response()


@router.post(
    "/vouchers/{code}/reserve",
    summary="Hold a voucher while its customer pays",
    response_model=ReservationAnswer,
    responses=REFUSALS,
)
async def reserve_voucher(
    principal: Redeemer,
    voucher: Voucher,
    commands: SendCommands,
    body: Told[ReservationBody] | None = None,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """Until `reserved_until`, or its expiry if that is earlier, nobody reserves it again or cancels it, and
    where an order is named no other uses it. For the order that holds it already nothing changes."""
    body = body or ReservationBody()
    asked = VoucherReserveRequested(voucher_code=voucher.code, seconds=body.seconds, **_told(body))
    return (await commands.submit(principal, "vouchers.reserve", voucher.owner, asked, key)).response()


@router.post(
    "/vouchers/{code}/release",
    summary="Hold a voucher no more",
    response_model=ReservationAnswer,
    responses=REFUSALS,
)
async def release_voucher(
    principal: Redeemer,
    voucher: Voucher,
    commands: SendCommands,
    body: Told[HolderBody] | None = None,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """One that nobody holds is as it was. What an order reserved, only that order releases."""
    asked = VoucherReleaseRequested(voucher_code=voucher.code, **_told(body))
    return (await commands.submit(principal, "vouchers.release", voucher.owner, asked, key)).response()


def _told(body: HolderBody | ReservationBody | None) -> dict[str, str]:
    """What a command says of the order; a field that was not told is not there."""
    return {} if body is None or body.order_id is None else {"order_id": body.order_id}
