"""What an API asks its worker to do. Internal: only the owning service turns one into a fact."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from shared.schemas.base import Data, Id, Time
from shared.schemas.complaints import CompensationFields
from shared.schemas.fields import Count, GivenPoints, Label, Points, Severity

Text = Annotated[str, Field(min_length=1)]
"""In somebody's words, and not empty."""


class Command(Data):
    """Common to the topic ``commands``."""

    topic: ClassVar[str] = "commands"


class ComplaintOpenRequested(Command):
    """Open a complaint."""

    event_type: ClassVar[str] = "rapport.interactions.complaint_open.requested.v1"

    customer_id: Id | None = None
    """The customer who complains; the subject says it too."""
    channel: Id
    """Where it came in."""
    category: Label
    """What it is about, e.g. delivery."""
    severity: Severity
    """How bad it is."""
    description: str
    """In the customer's words."""
    order_id: Id | None = None
    """The order that it is about."""


class ComplaintCommand(Command):
    """Common to the steps of a complaint that is there."""

    complaint_id: Id
    """The complaint that takes the step, one of the customer."""


class ComplaintAcknowledgeRequested(ComplaintCommand):
    """Say that we have it."""

    event_type: ClassVar[str] = "rapport.interactions.complaint_acknowledge.requested.v1"

    message: str = ""
    """What the customer was told."""
    assignee: Id | None = None
    """Who deals with it from now on."""


class ComplaintUpdateRequested(ComplaintCommand):
    """Say how it goes."""

    event_type: ClassVar[str] = "rapport.interactions.complaint_update.requested.v1"

    message: Text
    """What the customer was told."""
    assignee: Id | None = None
    """Who deals with it from now on."""


class ComplaintResolveRequested(ComplaintCommand):
    """Give a solution."""

    event_type: ClassVar[str] = "rapport.interactions.complaint_resolve.requested.v1"

    resolution: Text
    """What was done."""
    root_cause: str | None = None
    """Why it had happened."""


class ComplaintReopenRequested(ComplaintCommand):
    """Say that the solution did not hold."""

    event_type: ClassVar[str] = "rapport.interactions.complaint_reopen.requested.v1"

    reason: Text
    """Why the solution did not hold."""


class ComplaintCloseRequested(ComplaintCommand):
    """Say that nothing is left to do."""

    event_type: ClassVar[str] = "rapport.interactions.complaint_close.requested.v1"


class ComplaintCompensateRequested(CompensationFields, ComplaintCommand):
    """Give something to make good."""

    event_type: ClassVar[str] = "rapport.interactions.complaint_compensate.requested.v1"


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


class VoucherCancelRequested(Command):
    """Cancel a voucher."""

    event_type: ClassVar[str] = "rapport.loyalty.voucher_cancel.requested.v1"

    voucher_code: Label
    """The code of the voucher that is to be good no more."""


class ReferralNoteRequested(Command):
    """A member referred this customer. From loyalty to itself, keyed by the friend."""

    event_type: ClassVar[str] = "rapport.loyalty.referral_note.requested.v1"

    referrer: Id
    """The member who referred the customer."""


class ReferralRewardRequested(Command):
    """A friend made the first purchase. From loyalty to itself, keyed by the referrer."""

    event_type: ClassVar[str] = "rapport.loyalty.referral_reward.requested.v1"

    friend: Id
    """The customer who was referred."""
    order_id: Id
    """The friend's first purchase."""


class ReferralBonusRequested(Command):
    """The referrer was rewarded, so the friend is. From loyalty to itself, keyed by the friend."""

    event_type: ClassVar[str] = "rapport.loyalty.referral_bonus.requested.v1"

    referrer: Id
    """Member who brought the friend."""
    points: GivenPoints
    """Points given to each."""


class OutreachRequested(Command):
    """Send a customer a message."""

    event_type: ClassVar[str] = "rapport.followup.outreach.requested.v1"

    template: Label
    """Which of the templates that may be sent by hand."""
    channel: Id | None = None
    """What it is sent by; e-mail if left out."""
    at: Time | None = None
    """Not before this time; at once if left out."""
    variables: Mapping[str, Any] = {}
    """What the template shows, by name: text, numbers, truth values."""


class UnsubscribeRequested(Command):
    """Withdraw a consent."""

    event_type: ClassVar[str] = "rapport.followup.unsubscribe.requested.v1"

    purpose: Literal["marketing", "service", "survey"]
    """What the customer wants no more messages for."""
    channel: Id
    """What the customer wants no such messages by."""


class DeliveryReported(Command):
    """The sender says what became of a message."""

    event_type: ClassVar[str] = "rapport.followup.delivery.reported.v1"

    outreach_id: Id
    """The message that was tried."""
    status: Literal["sent", "failed", "in_doubt"]
    """In doubt: nobody knows whether it was taken; it is not sent again."""
    attempt: Count
    """Which try it was, from 1."""
    error: str | None = None
    """What went wrong, in the words of who refused it."""
