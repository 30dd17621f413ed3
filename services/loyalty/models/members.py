"""A member's account as answers, and what changes it."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from services.loyalty.domain.program.program import Programs
from services.loyalty.domain.reports.view import view
from services.loyalty.domain.state import MemberState
from shared.schemas.base import Frozen, Id, Money, Strict
from shared.schemas.times import Micros, maybe_moment, moment


class RedemptionBody(Strict):
    """Points for a reward."""

    reward_id: Id


class AdjustmentBody(Strict):
    """A correction by hand."""

    points: Annotated[int, Field(strict=True, ge=-(2**53), le=2**53, description="Signed; not 0.")]
    reason: Annotated[str, Field(min_length=1, max_length=500)]


class EnrolAnswer(Frozen):
    """A member as they join."""

    customer_id: str
    enrolled_at: datetime
    tier: str
    balance: int


class RedemptionAnswer(Frozen):
    """The voucher that was issued."""

    voucher_code: str
    reward_id: str
    expires_at: datetime
    balance: int


class AdjustmentAnswer(Frozen):
    """The entry that was booked."""

    entry_id: str
    points: int
    balance: int


class NextTier(Frozen):
    """The tier above, and what it takes."""

    tier: str
    spend_needed: Money
    """Net spend missing as of now."""


class Expiring(Frozen):
    """Points that expire at one instant."""

    points: int
    at: datetime


class MemberAnswer(Frozen):
    """A member's account as of now."""

    customer_id: Annotated[str, Field(description="The survivor's, where the id asked for was merged.")]
    merged_from: Annotated[list[str], Field(description="Ids that were merged into this customer's.")]
    enrolled_at: datetime
    balance: Annotated[int, Field(description="Below 0: points owed after a return.")]
    pending: int
    lifetime_points: int
    tier: str
    tier_ends_at: datetime | None
    spend: Annotated[Money, Field(description="Net spend of the days that tiers count.")]
    next_tier: NextTier | None
    expiring: Annotated[list[Expiring], Field(description="Everything that will expire, soonest first.")]


def member_answer(customer_id: str, state: MemberState, programs: Programs, now: Micros) -> MemberAnswer:
    """The account of a member at ``now``."""
    assert state.enrolled_at is not None
    seen = view(state, programs, now)

    def money(amount: int) -> Money:
        return Money(amount=amount, currency=programs.at(now).currency)

    return MemberAnswer(
        customer_id=customer_id,
        merged_from=[] if state.merging is None else list(state.merging.ids),
        enrolled_at=moment(state.enrolled_at),
        balance=seen.balance,
        pending=seen.pending,
        lifetime_points=seen.lifetime_points,
        tier=seen.tier,
        tier_ends_at=maybe_moment(seen.tier_ends_at),
        spend=money(seen.spend),
        next_tier=(
            None
            if seen.next_tier is None or seen.spend_needed is None
            else NextTier(tier=seen.next_tier, spend_needed=money(seen.spend_needed))
        ),
        expiring=[Expiring(points=points, at=moment(at)) for points, at in seen.expiring],
    )
