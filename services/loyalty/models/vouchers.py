"""What writes about vouchers answer."""

from shared.schemas.base import Frozen


class VoucherAnswer(Frozen):
    """A voucher after the write."""

    voucher_code: str
    reward_id: str
    status: str
    balance: int | None = None
    """Of points, where they were given back."""
