"""Points, tiers and rewards. Written by Rapport."""

from typing import Annotated, ClassVar, Literal

from pydantic import ConfigDict, Field

from shared.schemas.base import Data, Id, Open, Time
from shared.schemas.fields import GivenPoints, Label, Points, Price


class LoyaltyData(Data):
    """Common to the topic ``loyalty``."""

    topic: ClassVar[str] = "loyalty"
    late: ClassVar[str] = "Loyalty tells it in the order of its log: what was told last holds."
    again: ClassVar[str] = "Loyalty tells it once."


class Cause(Open):
    """The event that led to an entry."""

    source: str
    """The source of that event."""
    id: str
    """The id of that event, among those of its source."""


class MemberEnrolled(LoyaltyData):
    """A customer joined the program."""

    event_type: ClassVar[str] = "rapport.member.enrolled.v1"
    thing: ClassVar[str] = "enrolment"
    named_by: ClassVar[tuple[str, ...]] = ()
    judge: ClassVar[str] = ""
    late: ClassVar[str] = "A customer joins once; loyalty's own word of it holds."
    again: ClassVar[str] = "Nothing, whatever it says."

    channel: Id | None = None
    """Where the customer joined."""
    tier: Label | None = None
    """The tier that the member begins with. Loyalty alone knows it: an outside system leaves it out, and
    loyalty then tells the enrolment again with it."""


class LedgerEntry(LoyaltyData):
    """One entry of a member's ledger; the balance is the sum of all."""

    entry_id: Id
    """Names the entry for ever."""
    points: Points
    """Signed change of the balance."""
    balance: Points
    """Balance after the entry."""
    reason: str
    """Why, for people and programs."""
    cause: Cause
    """The event that led to it."""


class PointsEarned(LedgerEntry):
    """Points for something the customer did."""

    event_type: ClassVar[str] = "rapport.points.earned.v1"


class PointsReversed(LedgerEntry):
    """Points taken back, as after a return."""

    event_type: ClassVar[str] = "rapport.points.reversed.v1"


class PointsRedeemed(LedgerEntry):
    """Points spent on a reward."""

    event_type: ClassVar[str] = "rapport.points.redeemed.v1"


class PointsExpired(LedgerEntry):
    """Points that were not used in time."""

    event_type: ClassVar[str] = "rapport.points.expired.v1"


class PointsRestored(LedgerEntry):
    """Points given back, as after a cancelled reward."""

    event_type: ClassVar[str] = "rapport.points.restored.v1"


class PointsAdjusted(LedgerEntry):
    """Points changed by a person with the right to."""

    event_type: ClassVar[str] = "rapport.points.adjusted.v1"


class TierChanged(LoyaltyData):
    """A member rose or fell."""

    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True, serialize_by_alias=True)
    event_type: ClassVar[str] = "rapport.tier.changed.v1"

    from_: Annotated[Label, Field(alias="from")]
    """Tier before."""
    to: Label
    """Tier now."""
    direction: Literal["up", "down"] | None = None
    """Whether the member rose or fell; older events do not say."""


class TierAtRisk(LoyaltyData):
    """A member will fall unless they spend."""

    event_type: ClassVar[str] = "rapport.tier.at_risk.v1"

    tier: Label
    """The tier that the member has."""
    ends_at: Time
    """When it is lost."""
    spend_needed: Price
    """What the member must still spend to keep it."""


class PointsExpiring(LoyaltyData):
    """Points will expire soon unless the member spends them."""

    event_type: ClassVar[str] = "rapport.points.expiring.v1"

    points: GivenPoints
    """How many, in all."""
    expires_at: Time
    """When the first of them do."""
    last_at: Time
    """When the last of them do."""
    balance: Points
    """Balance now."""


class MemberAnniversary(LoyaltyData):
    """A member has been one for whole years."""

    event_type: ClassVar[str] = "rapport.member.anniversary.v1"

    years: Annotated[int, Field(ge=1, le=9999)]
    """How many years it has been."""
    points: GivenPoints
    """Points given for it."""


class MemberBirthday(LoyaltyData):
    """It is a member's birthday."""

    event_type: ClassVar[str] = "rapport.member.birthday.v1"

    points: GivenPoints | None = None
    """Points given for it."""
    reward_id: Id | None = None
    """The reward that is its present; a voucher of it was issued, and the fields below are told too."""
    name: str | None = None
    """What the program calls the reward."""
    voucher_code: Label | None = None
    """What the member shows."""
    expires_at: Time | None = None
    """Its expiry: from then on it is not accepted."""


class RewardAvailable(LoyaltyData):
    """A member's points and tier reach a reward that they did not reach before."""

    event_type: ClassVar[str] = "rapport.reward.available.v1"

    reward_id: Id
    """Reward of the program: of several, the dearest."""
    name: str
    """What the program calls it."""
    cost: GivenPoints
    """Points that it costs."""
    balance: Points
    """Balance now."""


class VoucherCancelled(LoyaltyData):
    """A voucher is no longer good."""

    event_type: ClassVar[str] = "rapport.voucher.cancelled.v1"

    voucher_code: Label
    """The code that is good no more."""


class RewardIssued(LoyaltyData):
    """A member got a reward."""

    event_type: ClassVar[str] = "rapport.reward.issued.v1"

    reward_id: Id
    """The reward, as the program names it."""
    voucher_code: Label
    """What the member shows."""
    expires_at: Time
    """Its expiry: from then on it is not accepted."""
    complaint_id: Id | None = None
    """The complaint that it makes good, where it was given for one and not for points."""
    occasion: Label | None = None
    """Likewise what it is a present for: birthday."""
