"""Joining, a member's account, and what changes it."""

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from services.loyalty.models.commands import (
    AdjustmentAnswer,
    AdjustmentBody,
    EnrolAnswer,
    RedemptionAnswer,
    RedemptionBody,
)
from services.loyalty.models.members import MemberAnswer, member_answer
from services.loyalty.routes.dependencies import (
    UNKNOWN_MEMBER,
    Admin,
    AllVersions,
    Clock,
    CustomerId,
    Reader,
    Redeemer,
    Sends,
    Store,
    answers,
    ask,
    member,
)
from shared.http.commands import IdempotencyKey
from shared.http.problems import Problem
from shared.schemas.commands import AdjustmentRequested, MemberEnrolRequested, RedemptionRequested
from shared.schemas.times import micros

router = APIRouter(tags=["members"])


@router.post(
    "/members/{customer_id}",
    summary="Enrol a customer",
    status_code=201,
    response_model=EnrolAnswer,
    responses={200: {"model": EnrolAnswer, "description": "A member already"}, **answers({})},
)
async def enrol(
    customer_id: CustomerId, caller: Redeemer, commands: Sends, key: IdempotencyKey = None
) -> JSONResponse:
    return await ask(commands, caller, "members.enrol", customer_id, MemberEnrolRequested(), key)


@router.get("/members/{customer_id}", summary="A member's points and tier", responses=UNKNOWN_MEMBER)
async def read_member(
    customer_id: CustomerId, store: Store, programs: AllVersions, clock: Clock, caller: Reader
) -> MemberAnswer:
    state = await member(store, customer_id)
    return member_answer(customer_id, state, programs, micros(await clock.now(customer_id)))


@router.post(
    "/members/{customer_id}/redemptions",
    summary="Spend points on a reward",
    status_code=201,
    response_model=RedemptionAnswer,
    responses=answers(
        {
            404: "unknown_member, unknown_reward",
            409: "insufficient_points, tier_required, reward_unavailable, out_of_stock",
        }
    ),
)
async def redeem(
    customer_id: CustomerId,
    body: RedemptionBody,
    programs: AllVersions,
    caller: Redeemer,
    commands: Sends,
    key: IdempotencyKey = None,
) -> JSONResponse:
    if not any(body.reward_id in version.catalogue for version in programs.versions):
        detail = f"The program has no reward {body.reward_id}."
        raise Problem(
            404,
            "unknown_reward",
            detail,
            errors=[{"field": "body.reward_id", "code": "unknown_reward", "detail": detail}],
        )
    asked = RedemptionRequested(reward_id=body.reward_id)
    return await ask(commands, caller, "members.redemptions", customer_id, asked, key)


@router.post(
    "/members/{customer_id}/adjustments",
    summary="Correct a balance by hand",
    status_code=201,
    response_model=AdjustmentAnswer,
    responses=answers({404: "unknown_member", 409: "insufficient_points"}),
)
async def adjust(
    customer_id: CustomerId,
    body: AdjustmentBody,
    caller: Admin,
    commands: Sends,
    key: IdempotencyKey = None,
) -> JSONResponse:
    asked = AdjustmentRequested(points=body.points, reason=body.reason)
    return await ask(commands, caller, "members.adjustments", customer_id, asked, key)
