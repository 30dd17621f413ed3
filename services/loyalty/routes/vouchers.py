"""Vouchers: used once, or given back unused."""

from typing import Annotated

from fastapi import APIRouter, Path
from fastapi.responses import JSONResponse

from services.loyalty import errors
from services.loyalty.models.vouchers import VoucherAnswer
from services.loyalty.routes.dependencies import Redeemer, Store, answers
from services.loyalty.store import LoyaltyStore
from shared.facts.text import voucher_code
from shared.http.commands import IdempotencyKey
from shared.http.dependencies import SendCommands
from shared.schemas.commands.loyalty import VoucherCancelRequested, VoucherRedeemRequested

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
    errors.UNKNOWN_VOUCHER, errors.VOUCHER_REDEEMED, errors.VOUCHER_CANCELLED, errors.VOUCHER_EXPIRED
)


@router.post(
    "/vouchers/{code}/redeem",
    summary="Use a voucher, once",
    response_model=VoucherAnswer,
    responses=REFUSALS,
)
async def redeem_voucher(
    code: Code, store: Store, principal: Redeemer, commands: SendCommands, key: IdempotencyKey = None
) -> JSONResponse:
    code = voucher_code(code)
    owner = await _owner(store, code)
    asked = VoucherRedeemRequested(voucher_code=code)
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


async def _owner(store: LoyaltyStore, code: str) -> str:
    owner = await store.voucher_owner(code)
    if owner is None:
        raise errors.UNKNOWN_VOUCHER()
    return owner
