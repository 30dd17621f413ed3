"""Every way in which followup says no. A sentence's ``fault`` is given without a stop."""

from collections.abc import Mapping

from shared.domain import ERASED as ERASED  # the journal says it, to any command
from shared.domain import ErrorCode, declared

UNKNOWN_CUSTOMER = ErrorCode("unknown_customer", 404, "There is no customer {customer}.")
UNKNOWN_RULE = ErrorCode("not_found", 404, "There is no rule {rule}.")
UNKNOWN_OUTREACH = ErrorCode(
    "unknown_outreach", 404, "There is no message {outreach} of which something can be heard."
)
UNKNOWN_TEMPLATE = ErrorCode(
    "unknown_template",
    422,
    "No template {template} can be sent by hand by the channel {channel}.",
)
UNKNOWN_CHANNEL = ErrorCode("unknown_channel", 422, "There is no channel {channel}.")
BAD_SIGNATURE = ErrorCode("bad_signature", 401, "The webhook is not signed as it must be: {fault}.")
HOOK_OFF = ErrorCode("hook_off", 404, "There is no RAPPORT_DELIVERY_SECRET, so nothing is taken here.")
BAD_VARIABLES = ErrorCode("bad_variables", 422, "The template cannot be given these variables: {fault}.")
BAD_TEMPLATE = ErrorCode("template", 409, "The message cannot be written: {fault}.")
BAD_TIME = ErrorCode("bad_time", 422, "The time from must be before the time to.")

NO_CONSENT = ErrorCode("no_consent", 409, "The customer has not allowed this.")
QUIET_HOURS = ErrorCode("quiet_hours", 409, "Quiet hours last until it is too late for the message.")
FREQUENCY_CAP = ErrorCode("frequency_cap", 409, "The customer has had as many messages as the rules allow.")
OPEN_COMPLAINT = ErrorCode("open_complaint", 409, "The customer has an open complaint.")
STALE = ErrorCode("stale", 409, "The time asked for is too long ago.")
DUPLICATE = ErrorCode("duplicate", 409, "The customer has had this already.")
CONDITION_UNMET = ErrorCode("condition_unmet", 409, "The customer has no address for this channel.")
ADDRESS_SUPPRESSED = ErrorCode(
    "address_suppressed", 409, "The customer's address cannot be used by this channel: {fault}."
)
SURVEY_CLOSED = ErrorCode("survey_closed", 410, "The survey takes no answers any more.")
HOLDOUT = ErrorCode("holdout", 409, "The customer is one of those who get no such messages, for comparison.")
OUTRANKED = ErrorCode("outranked", 409, "A message that matters more is due in its place.")
SEND_WINDOW = ErrorCode("send_window", 409, "The hours for such messages begin when it is too late for it.")
RATE_LIMITED = ErrorCode("rate_limited", 409, "The channel may not send more until it is too late for it.")
GOAL_REACHED = ErrorCode("goal_reached", 409, "What the message is for has happened.")

SUPPRESSED: Mapping[str, ErrorCode] = {
    code.code: code
    for code in (
        NO_CONSENT,
        QUIET_HOURS,
        FREQUENCY_CAP,
        OPEN_COMPLAINT,
        STALE,
        DUPLICATE,
        CONDITION_UNMET,
        ADDRESS_SUPPRESSED,
        ERASED,
        HOLDOUT,
        OUTRANKED,
        SEND_WINDOW,
        RATE_LIMITED,
        GOAL_REACHED,
    )
}
"""Why a message by hand does not go, by the reason of the decision (each ``SuppressionReason``); ``fault`` is
the decision's detail."""

CODES = declared(globals())
