"""Joining, a member's account, and what changes it."""

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from services.loyalty import errors
from services.loyalty.models.members import (
    AdjustmentAnswer,
    AdjustmentBody,
    EnrolAnswer,
    MemberAnswer,
    RedemptionAnswer,
    RedemptionBody,
    member_answer,
)
from services.loyalty.routes.dependencies import (
    Admin,
    AllVersions,
    CustomerId,
    Reader,
    Redeemer,
    Store,
    answers,
    known_member,
)
from shared.http.bodies import Told
from shared.http.commands import IdempotencyKey
from shared.http.dependencies import Clock, SendCommands
from shared.http.errors import responses
from shared.schemas.commands.loyalty import AdjustmentRequested, MemberEnrolRequested, RedemptionRequested
from shared.schemas.times import micros

router = APIRouter(tags=["members"])


@router.post(
    "/members/{customer_id}",
    summary="Enrol a customer",
    status_code=201,
    response_model=EnrolAnswer,
    responses={200: {"model": EnrolAnswer, "description": "A member already"}, **answers()},
)
async def enrol(
    customer_id: CustomerId, principal: Redeemer, commands: SendCommands, key: IdempotencyKey = None
) -> JSONResponse:
    asked = MemberEnrolRequested()
    return (await commands.submit(principal, "members.enrol", customer_id, asked, key)).response()


@router.get(
    "/members/{customer_id}",
    summary="A member's points and tier",
    responses=responses(errors.UNKNOWN_MEMBER),
)
async def read_member(
    customer_id: CustomerId, store: Store, programs: AllVersions, clock: Clock, principal: Reader
) -> MemberAnswer:
    member = await known_member(store, customer_id)
    return member_answer(member.id, member.state, programs, micros(await clock.now(member.id)))


@router.post(
    "/members/{customer_id}/redemptions",
    summary="Spend points on a reward",
    status_code=201,
    response_model=RedemptionAnswer,
    responses=answers(
        errors.UNKNOWN_MEMBER,
        errors.UNKNOWN_REWARD,
        errors.INSUFFICIENT_POINTS,
        errors.TIER_REQUIRED,
        errors.REWARD_UNAVAILABLE,
        errors.OUT_OF_STOCK,
    ),
)
async def redeem(
    customer_id: CustomerId,
    body: Told[RedemptionBody],
    programs: AllVersions,
    principal: Redeemer,
    commands: SendCommands,
    key: IdempotencyKey = None,
) -> JSONResponse:
    if not any(body.reward_id in version.catalogue for version in programs.versions):
        raise errors.UNKNOWN_REWARD(field="body.reward_id", reward_id=body.reward_id)
    asked = RedemptionRequested(reward_id=body.reward_id)
    return (await commands.submit(principal, "members.redemptions", customer_id, asked, key)).response()


@router.post(
    "/members/{customer_id}/adjustments",
    summary="Correct a balance by hand",
    status_code=201,
    response_model=AdjustmentAnswer,
    responses=answers(errors.UNKNOWN_MEMBER, errors.INSUFFICIENT_POINTS),
)
async def adjust(
    customer_id: CustomerId,
    body: Told[AdjustmentBody],
    principal: Admin,
    commands: SendCommands,
    key: IdempotencyKey = None,
) -> JSONResponse:
    asked = AdjustmentRequested(points=body.points, reason=body.reason)
    return (await commands.submit(principal, "members.adjustments", customer_id, asked, key)).response()
