"""What the loyalty API takes and answers."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from services.loyalty.domain.program import Program, Reward
from services.loyalty.domain.state import MemberState
from services.loyalty.domain.times import moment
from services.loyalty.domain.view import view
from shared.schemas.base import Id, Money


class Body(BaseModel):
    """A request body: frozen, and strict about names."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class RedemptionBody(Body):
    reward_id: Id


class AdjustmentBody(Body):
    points: Annotated[int, Field(strict=True, ge=-(2**53), le=2**53, description="Signed; not 0.")]
    reason: Annotated[str, Field(min_length=1, max_length=500)]


class NextTier(Body):
    tier: str
    spend_needed: Money
    """Net spend missing as of now."""


class Expiring(Body):
    points: int
    at: datetime


class MemberAnswer(Body):
    """A member's account as of now."""

    customer_id: str
    enrolled_at: datetime
    balance: Annotated[int, Field(description="Below 0: points owed after a return.")]
    pending: int
    lifetime_points: int
    tier: str
    tier_ends_at: datetime | None
    spend: Annotated[Money, Field(description="Net spend of the days that tiers count.")]
    next_tier: NextTier | None
    expiring: Annotated[list[Expiring], Field(description="Everything that will expire, soonest first.")]


class EntryLot(Body):
    entry_id: str
    points: int


class EntryCause(Body):
    source: str
    id: str


class LedgerAnswer(Body):
    """One entry. ``lots`` says by how much each lot changed; ``debt`` by how much the debt did."""

    entry_id: str
    at: datetime
    kind: str
    points: int
    balance: int
    reason: str
    cause: EntryCause
    lots: list[EntryLot]
    debt: int
    order_id: str | None = None
    available_at: datetime | None = None
    expires_at: datetime | None = None


class RewardAnswer(Body):
    reward_id: str
    name: str
    cost: int
    validity_days: int
    tier: str | None


class RedemptionAnswer(Body):
    voucher_code: str
    reward_id: str
    expires_at: datetime
    balance: int


class EnrolAnswer(Body):
    customer_id: str
    enrolled_at: datetime
    tier: str
    balance: int


class AdjustmentAnswer(Body):
    entry_id: str
    points: int
    balance: int


class VoucherAnswer(Body):
    voucher_code: str
    reward_id: str
    status: str
    balance: int | None = None


def member_answer(customer_id: str, state: MemberState, program: Program, now: int) -> MemberAnswer:
    """The account of a member at ``now`` (microseconds since 1970)."""
    assert state.enrolled_at is not None
    seen = view(state, program, now)

    def money(amount: int) -> Money:
        return Money(amount=amount, currency=program.currency)

    return MemberAnswer(
        customer_id=customer_id,
        enrolled_at=moment(state.enrolled_at),
        balance=seen.balance,
        pending=seen.pending,
        lifetime_points=seen.lifetime_points,
        tier=seen.tier,
        tier_ends_at=None if seen.tier_ends_at is None else moment(seen.tier_ends_at),
        spend=money(seen.spend),
        next_tier=(
            None
            if seen.next_tier is None or seen.spend_needed is None
            else NextTier(tier=seen.next_tier, spend_needed=money(seen.spend_needed))
        ),
        expiring=[Expiring(points=points, at=moment(at)) for points, at in seen.expiring],
    )


def ledger_answer(row: dict[str, Any]) -> LedgerAnswer:
    """A row of the collection ``ledger``."""
    fields = {name: row[name] for name in LedgerAnswer.model_fields if name in row}
    return LedgerAnswer.model_validate({**fields, "entry_id": row["_id"]})


def reward_answer(reward: Reward) -> RewardAnswer:
    return RewardAnswer(
        reward_id=reward.id,
        name=reward.name,
        cost=reward.cost,
        validity_days=reward.validity_days,
        tier=reward.tier,
    )
