"""What members, tills and loyalty itself ask for."""

from typing import Annotated, ClassVar

from pydantic import Field

from shared.schemas.base import Id
from shared.schemas.commands import Command
from shared.schemas.fields import GivenPoints, Label, Points

LONGEST_RESERVATION = 86_400
"""Seconds."""


class MemberEnrolRequested(Command):
    """Make the customer a member."""

    event_type: ClassVar[str] = "rapport.loyalty.member_enrol.requested.v1"


class RedemptionRequested(Command):
    """Spend points on a reward."""

    event_type: ClassVar[str] = "rapport.loyalty.redemption.requested.v1"

    reward_id: Id
    """The reward, as the program names it."""


class AdjustmentRequested(Command):
    """Change a balance by hand."""

    event_type: ClassVar[str] = "rapport.loyalty.adjustment.requested.v1"

    points: Points
    """What is added to the balance, or taken from it where negative."""
    reason: str
    """Why, in the words of who asks for it."""


class VoucherRedeemRequested(Command):
    """Use a voucher."""

    event_type: ClassVar[str] = "rapport.loyalty.voucher_redeem.requested.v1"

    voucher_code: Label
    """The code that the member shows."""
    order_id: Id | None = None
    """The order that reserved it, where one did."""


class VoucherCancelRequested(Command):
    """Cancel a voucher."""

    event_type: ClassVar[str] = "rapport.loyalty.voucher_cancel.requested.v1"

    voucher_code: Label
    """The code of the voucher that is to be good no more."""


class VoucherReserveRequested(Command):
    """Hold a voucher while its customer pays."""

    event_type: ClassVar[str] = "rapport.loyalty.voucher_reserve.requested.v1"

    voucher_code: Label
    """The code that the member shows."""
    seconds: Annotated[int, Field(ge=1, le=LONGEST_RESERVATION)]
    """How long, from when it is done."""
    order_id: Id | None = None
    """The order that alone may use it meanwhile; none: whoever knows the code."""


class VoucherReleaseRequested(Command):
    """Hold a voucher no more."""

    event_type: ClassVar[str] = "rapport.loyalty.voucher_release.requested.v1"

    voucher_code: Label
    """The code that the member shows."""
    order_id: Id | None = None
    """The order that reserved it, where one did."""


class ReferralNoteRequested(Command):
    """A member referred this customer. From loyalty to itself, keyed by the friend."""

    event_type: ClassVar[str] = "rapport.loyalty.referral_note.requested.v1"
    tells_of: ClassVar[tuple[str, ...]] = ("referrer",)

    referrer: Id
    """The member who referred the customer."""


class ReferralRewardRequested(Command):
    """A friend made the first purchase. From loyalty to itself, keyed by the referrer."""

    event_type: ClassVar[str] = "rapport.loyalty.referral_reward.requested.v1"
    tells_of: ClassVar[tuple[str, ...]] = ("friend",)

    friend: Id
    """The customer who was referred."""
    order_id: Id
    """The friend's first purchase."""


class ReferralBonusRequested(Command):
    """The referrer was rewarded, so the friend is. From loyalty to itself, keyed by the friend."""

    event_type: ClassVar[str] = "rapport.loyalty.referral_bonus.requested.v1"
    tells_of: ClassVar[tuple[str, ...]] = ("referrer",)

    referrer: Id
    """Member who brought the friend."""
    points: GivenPoints
    """Points given to each."""


class ReferralForgetRequested(Command):
    """Who referred this customer has been erased. From loyalty to itself, keyed by the friend."""

    event_type: ClassVar[str] = "rapport.loyalty.referral_forget.requested.v1"
    tells_of: ClassVar[tuple[str, ...]] = ("referrer",)

    referrer: Id
    """Who that was: another's referral stays."""
