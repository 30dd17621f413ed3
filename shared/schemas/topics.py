"""Which types travel on which topic: the one list that everything else is made from."""

from shared.schemas.base import Data
from shared.schemas.clock import ClockAdvanced
from shared.schemas.commands import (
    AdjustmentRequested,
    ComplaintAcknowledgeRequested,
    ComplaintCloseRequested,
    ComplaintCompensateRequested,
    ComplaintOpenRequested,
    ComplaintReopenRequested,
    ComplaintResolveRequested,
    ComplaintUpdateRequested,
    DeliveryReported,
    MemberEnrolRequested,
    OutreachRequested,
    RedemptionRequested,
    ReferralBonusRequested,
    ReferralNoteRequested,
    ReferralRewardRequested,
    UnsubscribeRequested,
    VoucherCancelRequested,
    VoucherRedeemRequested,
)
from shared.schemas.complaints import (
    CompensationGranted,
    ComplaintAcknowledged,
    ComplaintClosed,
    ComplaintOpened,
    ComplaintReopened,
    ComplaintResolved,
    ComplaintSlaBreached,
    ComplaintUpdated,
)
from shared.schemas.customers import ConsentChanged, CustomerErased, CustomerRegistered, CustomerUpdated
from shared.schemas.feedback import ReferralMade, ReviewPosted, SurveyAnswered
from shared.schemas.interactions import (
    ConversationAssigned,
    ConversationClosed,
    ConversationEscalated,
    InteractionLogged,
)
from shared.schemas.loyalty import (
    MemberAnniversary,
    MemberBirthday,
    MemberEnrolled,
    PointsAdjusted,
    PointsEarned,
    PointsExpired,
    PointsExpiring,
    PointsRedeemed,
    PointsRestored,
    PointsReversed,
    RewardAvailable,
    RewardIssued,
    TierAtRisk,
    TierChanged,
    VoucherCancelled,
)
from shared.schemas.outreach import (
    OutreachCancelled,
    OutreachFailed,
    OutreachScheduled,
    OutreachSent,
    OutreachSuppressed,
)
from shared.schemas.purchases import (
    ProductRegistered,
    PurchaseMade,
    PurchaseReturned,
    SubscriptionCancelled,
    SubscriptionRenewed,
    SubscriptionStarted,
)

DEAD_LETTER_SUFFIX = ".dlq"
"""Appended to a topic's name: where its records go that nobody can use."""

TOPICS: dict[str, tuple[type[Data], ...]] = {
    "customers": (CustomerRegistered, CustomerUpdated, ConsentChanged, CustomerErased),
    "interactions": (InteractionLogged, ConversationEscalated, ConversationAssigned, ConversationClosed),
    "complaints": (
        ComplaintOpened,
        ComplaintAcknowledged,
        ComplaintUpdated,
        ComplaintResolved,
        ComplaintReopened,
        ComplaintClosed,
        CompensationGranted,
        ComplaintSlaBreached,
    ),
    "purchases": (
        PurchaseMade,
        PurchaseReturned,
        SubscriptionStarted,
        SubscriptionRenewed,
        SubscriptionCancelled,
        ProductRegistered,
    ),
    "feedback": (SurveyAnswered, ReviewPosted, ReferralMade),
    "loyalty": (
        MemberEnrolled,
        PointsEarned,
        PointsReversed,
        PointsRedeemed,
        PointsExpired,
        PointsRestored,
        PointsAdjusted,
        TierChanged,
        TierAtRisk,
        VoucherCancelled,
        RewardIssued,
        RewardAvailable,
        PointsExpiring,
        MemberAnniversary,
        MemberBirthday,
    ),
    "outreach": (OutreachScheduled, OutreachSent, OutreachFailed, OutreachSuppressed, OutreachCancelled),
    "commands": (
        ComplaintOpenRequested,
        ComplaintAcknowledgeRequested,
        ComplaintUpdateRequested,
        ComplaintResolveRequested,
        ComplaintReopenRequested,
        ComplaintCloseRequested,
        ComplaintCompensateRequested,
        MemberEnrolRequested,
        RedemptionRequested,
        AdjustmentRequested,
        VoucherRedeemRequested,
        VoucherCancelRequested,
        ReferralNoteRequested,
        ReferralRewardRequested,
        ReferralBonusRequested,
        OutreachRequested,
        UnsubscribeRequested,
        DeliveryReported,
    ),
    "clock": (ClockAdvanced,),
}
"""Topic -> the data classes of its types, in the contract's order."""

TYPES: dict[str, type[Data]] = {cls.event_type: cls for classes in TOPICS.values() for cls in classes}
"""CloudEvents type -> data class."""

OWN_TYPES: frozenset[str] = frozenset(
    cls.event_type for topic in ("loyalty", "outreach", "commands", "clock") for cls in TOPICS[topic]
) | {ComplaintSlaBreached.event_type}
"""Types that only Rapport writes: ``POST /events`` refuses them."""
