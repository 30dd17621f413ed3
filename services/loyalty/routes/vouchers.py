"""Vouchers: used once, or given back unused."""

from typing import Annotated

from fastapi import APIRouter, Path
from fastapi.responses import JSONResponse

from services.loyalty.models.commands import VoucherAnswer
from services.loyalty.routes.dependencies import Redeemer, Sends, Store, answers, ask
from services.loyalty.store import LoyaltyStore
from shared.http.commands import IdempotencyKey
from shared.http.problems import Problem
from shared.schemas.commands import VoucherCancelRequested, VoucherRedeemRequested

router = APIRouter(tags=["vouchers"])

Code = Annotated[str, Path(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f]+$")]
REFUSALS = answers({404: "unknown_voucher", 409: "voucher_redeemed, voucher_cancelled, voucher_expired"})


@router.post(
    "/vouchers/{code}/redeem",
    summary="Use a voucher, once",
    response_model=VoucherAnswer,
    responses=REFUSALS,
)
async def redeem_voucher(
    code: Code, store: Store, caller: Redeemer, commands: Sends, key: IdempotencyKey = None
) -> JSONResponse:
    owner = await _owner(store, code)
    asked = VoucherRedeemRequested(voucher_code=code)
    return await ask(commands, caller, "vouchers.redeem", owner, asked, key)


@router.post(
    "/vouchers/{code}/cancel",
    summary="Give an unused voucher's points back",
    response_model=VoucherAnswer,
    responses=REFUSALS,
)
async def cancel_voucher(
    code: Code, store: Store, caller: Redeemer, commands: Sends, key: IdempotencyKey = None
) -> JSONResponse:
    owner = await _owner(store, code)
    asked = VoucherCancelRequested(voucher_code=code)
    return await ask(commands, caller, "vouchers.cancel", owner, asked, key)


async def _owner(store: LoyaltyStore, code: str) -> str:
    owner = await store.voucher_owner(code)
    if owner is None:
        raise Problem(404, "unknown_voucher", "There is no such voucher.")
    return owner
