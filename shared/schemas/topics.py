"""Which types travel on which topic: the one list that everything else is made from."""

from shared.schemas import (
    clock,
    complaints,
    customers,
    feedback,
    insights,
    interactions,
    loyalty,
    outreach,
    purchases,
    teams,
)
from shared.schemas.base import Data
from shared.schemas.commands import aliases as alias_commands
from shared.schemas.commands import complaints as complaint_commands
from shared.schemas.commands import conversations as conversation_commands
from shared.schemas.commands import customers as customer_commands
from shared.schemas.commands import duplicates as duplicate_commands
from shared.schemas.commands import erasures as erasure_commands
from shared.schemas.commands import followup as followup_commands
from shared.schemas.commands import growth as growth_commands
from shared.schemas.commands import loyalty as loyalty_commands
from shared.schemas.commands import merging as merging_commands
from shared.schemas.commands import orders as order_commands
from shared.schemas.commands import preferences as preference_commands
from shared.schemas.commands import products as product_commands
from shared.schemas.commands import receipts as receipt_commands
from shared.schemas.commands import reviews as review_commands
from shared.schemas.commands import routing as routing_commands
from shared.schemas.commands import rules as rules_commands
from shared.schemas.commands import surveys as survey_commands
from shared.schemas.commands import teams as team_commands
from shared.schemas.commands import themes as theme_commands

DEAD_LETTER_SUFFIX = ".dlq"
"""Appended to a topic's name: where its records go that nobody can use."""

TOPICS: dict[str, tuple[type[Data], ...]] = {
    "customers": (
        customers.CustomerRegistered,
        customers.CustomerUpdated,
        customers.ConsentChanged,
        customers.CustomerMerged,
        customers.CustomerUnmerged,
        customers.CustomerErased,
        customers.ErasureCompleted,
        customers.ErasureLifted,
        customers.AliasAdded,
        customers.AliasRemoved,
    ),
    "interactions": (
        interactions.InteractionLogged,
        interactions.ConversationEscalated,
        interactions.ConversationAssigned,
        interactions.ConversationReturned,
        interactions.ConversationMerged,
        interactions.ConversationSplit,
        interactions.ConversationClosed,
        interactions.ConversationNoted,
        interactions.ConversationSnoozed,
    ),
    "teams": (
        teams.AgentChanged,
        teams.TrainingBooked,
        teams.TrainingPassed,
        teams.StoryTold,
        teams.TaskOpened,
        teams.TaskDone,
    ),
    "complaints": (
        complaints.ComplaintOpened,
        complaints.ComplaintAcknowledged,
        complaints.ComplaintUpdated,
        complaints.ComplaintChanged,
        complaints.ComplaintResolved,
        complaints.ComplaintReopened,
        complaints.ComplaintClosed,
        complaints.ComplaintWaiting,
        complaints.ComplaintResumed,
        complaints.CompensationGranted,
        complaints.ComplaintSlaWarned,
        complaints.ComplaintSlaMet,
        complaints.ComplaintSlaBreached,
        complaints.ComplaintEscalated,
    ),
    "purchases": (
        purchases.PurchaseMade,
        purchases.PurchaseReturned,
        purchases.SubscriptionStarted,
        purchases.SubscriptionRenewed,
        purchases.SubscriptionCancelled,
        purchases.ProductRegistered,
    ),
    "feedback": (feedback.SurveyAnswered, feedback.ReviewPosted, feedback.ReferralMade),
    "loyalty": (
        loyalty.MemberEnrolled,
        loyalty.PointsEarned,
        loyalty.PointsReversed,
        loyalty.PointsRedeemed,
        loyalty.PointsExpired,
        loyalty.PointsRestored,
        loyalty.PointsAdjusted,
        loyalty.TierChanged,
        loyalty.TierAtRisk,
        loyalty.VoucherCancelled,
        loyalty.RewardIssued,
        loyalty.RewardAvailable,
        loyalty.PointsExpiring,
        loyalty.MemberAnniversary,
        loyalty.MemberBirthday,
    ),
    "outreach": (
        outreach.OutreachScheduled,
        outreach.OutreachSent,
        outreach.OutreachFailed,
        outreach.OutreachSuppressed,
        outreach.OutreachCancelled,
        outreach.OutreachDelivered,
        outreach.OutreachBounced,
        outreach.OutreachComplained,
        outreach.OutreachGoalReached,
        outreach.OutreachPaused,
    ),
    "insights": (
        insights.SegmentChanged,
        insights.HealthChanged,
        insights.ChurnWarned,
        insights.FeedbackActed,
        insights.ProductSuggested,
        insights.KpiAnomaly,
        insights.KpiRestated,
        insights.ModelFitted,
        insights.ThemeRising,
    ),
    "commands": (
        complaint_commands.ComplaintOpenRequested,
        complaint_commands.ComplaintAcknowledgeRequested,
        complaint_commands.ComplaintUpdateRequested,
        complaint_commands.ComplaintChangeRequested,
        complaint_commands.ComplaintWaitRequested,
        complaint_commands.ComplaintResumeRequested,
        complaint_commands.ComplaintResolveRequested,
        complaint_commands.ComplaintReopenRequested,
        complaint_commands.ComplaintCloseRequested,
        complaint_commands.ComplaintCompensateRequested,
        team_commands.AgentChangeRequested,
        team_commands.TaskOpenRequested,
        team_commands.TaskDoneRequested,
        team_commands.TaskForgetRequested,
        complaint_commands.ComplaintApproveRequested,
        growth_commands.TrainingBookRequested,
        growth_commands.TrainingPassRequested,
        growth_commands.RefresherRequested,
        growth_commands.AgentRefresherRequested,
        growth_commands.StoryTellRequested,
        growth_commands.AgentThankRequested,
        conversation_commands.ConversationMessageRequested,
        conversation_commands.ConversationAssignRequested,
        conversation_commands.ConversationReturnRequested,
        conversation_commands.ConversationMergeRequested,
        conversation_commands.ConversationSplitRequested,
        conversation_commands.ConversationNoteRequested,
        conversation_commands.ConversationSnoozeRequested,
        conversation_commands.ConversationCloseRequested,
        routing_commands.RoutingOfferRequested,
        routing_commands.RoutingNewsRequested,
        routing_commands.RoutingAssignRequested,
        routing_commands.RoutingReturnRequested,
        routing_commands.RoutingOverflowRequested,
        routing_commands.AgentSeenRequested,
        routing_commands.AgentLoadRequested,
        routing_commands.AgentGoneRequested,
        routing_commands.AgentJoinRequested,
        routing_commands.AgentLeaveRequested,
        order_commands.OrderTellRequested,
        order_commands.OrderRefundRequested,
        order_commands.OrderDeleteRequested,
        order_commands.OrderForgetRequested,
        review_commands.ReviewAnswerRequested,
        order_commands.PurchaseTellRequested,
        order_commands.ReturnTellRequested,
        loyalty_commands.MemberEnrolRequested,
        loyalty_commands.RedemptionRequested,
        loyalty_commands.AdjustmentRequested,
        loyalty_commands.VoucherRedeemRequested,
        loyalty_commands.VoucherCancelRequested,
        loyalty_commands.VoucherReserveRequested,
        loyalty_commands.VoucherReleaseRequested,
        loyalty_commands.ReferralNoteRequested,
        loyalty_commands.ReferralRewardRequested,
        loyalty_commands.ReferralBonusRequested,
        loyalty_commands.ReferralForgetRequested,
        followup_commands.OutreachRequested,
        followup_commands.ReplyRequested,
        followup_commands.UnsubscribeRequested,
        followup_commands.DeliveryReported,
        survey_commands.SurveyAnswerRequested,
        preference_commands.PreferencesRequested,
        receipt_commands.ReceiptReported,
        product_commands.ProductCountRequested,
        product_commands.ProductSuggestRequested,
        rules_commands.RulesReviewRequested,
        theme_commands.ThemeActRequested,
        customer_commands.CustomerMergeRequested,
        customer_commands.CustomerUnmergeRequested,
        customer_commands.CustomerEraseRequested,
        erasure_commands.ErasureLiftRequested,
        erasure_commands.ErasureNoteRequested,
        alias_commands.AliasClaimRequested,
        alias_commands.AliasReleaseRequested,
        alias_commands.AliasToldRequested,
        duplicate_commands.BlockJoinRequested,
        duplicate_commands.BlockLeaveRequested,
        duplicate_commands.DuplicateFoundRequested,
        duplicate_commands.DuplicateDecideRequested,
        duplicate_commands.DuplicateForgetRequested,
        *(cls for commands in merging_commands.MERGING.values() for cls in commands.all),
    ),
    "clock": (clock.ClockAdvanced,),
}
"""Topic -> the data classes of its types, in the contract's order."""

TYPES: dict[str, type[Data]] = {cls.event_type: cls for classes in TOPICS.values() for cls in classes}
"""CloudEvents type -> data class."""

_OWN_TOPICS = ("loyalty", "outreach", "insights", "commands", "clock")

OWN_TYPES: frozenset[str] = frozenset(
    event_type
    for event_type, cls in TYPES.items()
    if cls.topic in _OWN_TOPICS or issubclass(cls, complaints.ComplaintClockData | customers.ErasureData)
)
"""Types that only Rapport writes: ``POST /events`` refuses them."""
