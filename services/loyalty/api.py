"""The loyalty API: reads come from the store; every write is a command that the worker decides."""

import sys
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Path, Request
from fastapi.responses import JSONResponse
from pymongo.asynchronous.database import AsyncDatabase

from services.loyalty.domain.program import Program
from services.loyalty.domain.state import MemberState
from services.loyalty.domain.times import micros
from services.loyalty.models import (
    AdjustmentAnswer,
    AdjustmentBody,
    EnrolAnswer,
    LedgerAnswer,
    MemberAnswer,
    RedemptionAnswer,
    RedemptionBody,
    RewardAnswer,
    VoucherAnswer,
    ledger_answer,
    member_answer,
    reward_answer,
)
from services.loyalty.program import ProgramError, load
from services.loyalty.settings import LoyaltySettings
from services.loyalty.store import LoyaltyStore
from shared.runtime.api import (
    ApiClock,
    Commands,
    IdempotencyKey,
    Principal,
    create_api,
    get_clock,
    get_commands,
    get_database,
    require,
    run_api,
)
from shared.runtime.paging import DEFAULT_LIMIT, Cursor, Limit, Page, cut, decode_cursor, page
from shared.runtime.problems import Problem
from shared.runtime.settings import Settings, load_settings
from shared.schemas.base import Data, Id
from shared.schemas.commands import (
    AdjustmentRequested,
    MemberEnrolRequested,
    RedemptionRequested,
    VoucherCancelRequested,
    VoucherRedeemRequested,
)

router = APIRouter(tags=["loyalty"])


def get_store(database: Annotated[AsyncDatabase[dict[str, Any]], Depends(get_database)]) -> LoyaltyStore:
    return LoyaltyStore(database)


def get_program(request: Request) -> Program:
    program: Program = request.app.state.program
    return program


Store = Annotated[LoyaltyStore, Depends(get_store)]
InForce = Annotated[Program, Depends(get_program)]
Sends = Annotated[Commands, Depends(get_commands)]
Clock = Annotated[ApiClock, Depends(get_clock)]
Reader = Annotated[Principal, Depends(require("customers:read"))]
Redeemer = Annotated[Principal, Depends(require("loyalty:redeem"))]
Admin = Annotated[Principal, Depends(require("admin"))]
CustomerId = Annotated[Id, Path(description="The customer's id.")]
Code = Annotated[str, Path(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f]+$")]


@router.get("/program", summary="The program in force")
async def read_program(program: InForce, caller: Reader) -> Program:
    return program


@router.get("/rewards", summary="What points buy", response_model=Page[RewardAnswer])
async def read_rewards(program: InForce, caller: Reader) -> dict[str, Any]:
    return page([reward_answer(reward) for reward in program.rewards], None)


@router.post(
    "/members/{customer_id}",
    summary="Enrol a customer",
    status_code=201,
    response_model=EnrolAnswer,
    responses={200: {"model": EnrolAnswer, "description": "A member already"}},
)
async def enrol(
    customer_id: CustomerId, caller: Redeemer, commands: Sends, key: IdempotencyKey = None
) -> JSONResponse:
    return await _ask(commands, caller, "members.enrol", customer_id, MemberEnrolRequested(), key)


@router.get("/members/{customer_id}", summary="A member's points and tier")
async def read_member(
    customer_id: CustomerId, store: Store, program: InForce, clock: Clock, caller: Reader
) -> MemberAnswer:
    state = await _member(store, customer_id)
    return member_answer(customer_id, state, program, micros(await clock.now(customer_id)))


@router.get(
    "/members/{customer_id}/ledger",
    summary="Every change of the balance, newest first",
    response_model=Page[LedgerAnswer],
)
async def read_ledger(
    customer_id: CustomerId, store: Store, caller: Reader, cursor: Cursor = None, limit: Limit = DEFAULT_LIMIT
) -> dict[str, Any]:
    before = decode_cursor(cursor, int)[0] if cursor is not None else None
    await _member(store, customer_id)
    rows, following = cut(
        await store.ledger(customer_id, before, limit + 1), limit, lambda row: (int(row["seq"]),)
    )
    return page([ledger_answer(row) for row in rows], following)


@router.post(
    "/members/{customer_id}/redemptions",
    summary="Spend points on a reward",
    status_code=201,
    response_model=RedemptionAnswer,
)
async def redeem(
    customer_id: CustomerId,
    body: RedemptionBody,
    program: InForce,
    caller: Redeemer,
    commands: Sends,
    key: IdempotencyKey = None,
) -> JSONResponse:
    if body.reward_id not in program.catalogue:
        detail = f"The program has no reward {body.reward_id}."
        raise Problem(
            404,
            "unknown_reward",
            detail,
            errors=[{"field": "body.reward_id", "code": "unknown_reward", "detail": detail}],
        )
    asked = RedemptionRequested(reward_id=body.reward_id)
    return await _ask(commands, caller, "members.redemptions", customer_id, asked, key)


@router.post(
    "/members/{customer_id}/adjustments",
    summary="Correct a balance by hand",
    status_code=201,
    response_model=AdjustmentAnswer,
)
async def adjust(
    customer_id: CustomerId,
    body: AdjustmentBody,
    caller: Admin,
    commands: Sends,
    key: IdempotencyKey = None,
) -> JSONResponse:
    asked = AdjustmentRequested(points=body.points, reason=body.reason)
    return await _ask(commands, caller, "members.adjustments", customer_id, asked, key)


@router.post("/vouchers/{code}/redeem", summary="Use a voucher, once", response_model=VoucherAnswer)
async def redeem_voucher(
    code: Code, store: Store, caller: Redeemer, commands: Sends, key: IdempotencyKey = None
) -> JSONResponse:
    owner = await _owner(store, code)
    asked = VoucherRedeemRequested(voucher_code=code)
    return await _ask(commands, caller, "vouchers.redeem", owner, asked, key)


@router.post(
    "/vouchers/{code}/cancel", summary="Give an unused voucher's points back", response_model=VoucherAnswer
)
async def cancel_voucher(
    code: Code, store: Store, caller: Redeemer, commands: Sends, key: IdempotencyKey = None
) -> JSONResponse:
    owner = await _owner(store, code)
    asked = VoucherCancelRequested(voucher_code=code)
    return await _ask(commands, caller, "vouchers.cancel", owner, asked, key)


async def _ask(
    commands: Commands, caller: Principal, route: str, customer_id: str, asked: Data, key: str | None
) -> JSONResponse:
    answer = await commands.submit(caller, route, customer_id, asked, key)
    return answer.response()


async def _member(store: LoyaltyStore, customer_id: str) -> MemberState:
    state = await store.member(customer_id)
    if state is None:
        raise Problem(404, "unknown_member", f"{customer_id} is not a member.")
    return state


async def _owner(store: LoyaltyStore, code: str) -> str:
    owner = await store.voucher_owner(code)
    if owner is None:
        raise Problem(404, "unknown_voucher", "There is no such voucher.")
    return owner


def create_app(settings: Settings) -> FastAPI:
    """The app, on the program that the settings name. Raises ``ProgramError`` if it is not valid."""
    app = create_api(settings, "loyalty", "Rapport loyalty", [router])
    app.state.program = load(settings.program)
    return app


def main() -> None:
    settings = load_settings(LoyaltySettings)
    try:
        app = create_app(settings)
    except ProgramError as error:
        print(error, file=sys.stderr)
        raise SystemExit(2) from None
    run_api(app, settings)


if __name__ == "__main__":
    main()
