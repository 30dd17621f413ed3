"""What writes take and answer."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.schemas.base import Id


class Body(BaseModel):
    """A request body: frozen, and strict about names."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class RedemptionBody(Body):
    reward_id: Id


class AdjustmentBody(Body):
    points: Annotated[int, Field(strict=True, ge=-(2**53), le=2**53, description="Signed; not 0.")]
    reason: Annotated[str, Field(min_length=1, max_length=500)]


class RedemptionAnswer(BaseModel):
    voucher_code: str
    reward_id: str
    expires_at: datetime
    balance: int


class EnrolAnswer(BaseModel):
    customer_id: str
    enrolled_at: datetime
    tier: str
    balance: int


class AdjustmentAnswer(BaseModel):
    entry_id: str
    points: int
    balance: int


class VoucherAnswer(BaseModel):
    voucher_code: str
    reward_id: str
    status: str
    balance: int | None = None


class PendingAnswer(BaseModel):
    """The command is in the log; its answer will be at ``location``."""

    status: Literal["pending"]
    location: str
