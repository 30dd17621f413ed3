"""What writes about vouchers say and answer."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from shared.schemas.base import Frozen, Id, Strict
from shared.schemas.commands.loyalty import LONGEST_RESERVATION

RESERVED_SECONDS = 900
"""Unless it is told: as long as people take to pay."""

OrderId = Annotated[
    Id | None, Field(description="The order that alone may use it meanwhile; none: whoever knows the code.")
]


class ReservationBody(Strict):
    """How long a voucher is held, and for which order."""

    seconds: Annotated[int, Field(strict=True, ge=1, le=LONGEST_RESERVATION)] = RESERVED_SECONDS
    order_id: OrderId = None


class HolderBody(Strict):
    """Who asks."""

    order_id: Annotated[Id | None, Field(description="The order that reserved it, where one did.")] = None


class VoucherAnswer(Frozen):
    """A voucher after the write."""

    voucher_code: str
    reward_id: str
    status: str
    balance: int | None = None
    """Of points, where they were given back."""


class ReservationAnswer(Frozen):
    """An open voucher, reserved or not."""

    voucher_code: str
    reward_id: str
    status: Annotated[str, Field(description="`reserved` or `open`.")]
    reserved_until: datetime | None
    order_id: OrderId
