"""Every way in which interactions says no: to a caller, or, of a fact from outside, in a dead letter."""

from shared.domain import ErrorCode, declared
from shared.merging.course import MERGE_CYCLE as MERGE_CYCLE  # of customers, and of conversations

UNKNOWN_CUSTOMER = ErrorCode("unknown_customer", 404, "Nothing has been heard of customer {customer}.")
UNKNOWN_EXPORT = ErrorCode("unknown_export", 404, "There is no export {export}, or no more.")
UNKNOWN_ERASURE = ErrorCode("unknown_erasure", 404, "Nobody of this id, or of this name, has been erased.")
ERASURE_UNDER_WAY = ErrorCode(
    "erasure_under_way", 409, "It cannot be lifted before all services are done: {missing} have not answered."
)
NOT_MERGED = ErrorCode("not_merged", 409, "Customer {customer} was not merged into {into}.")
INVALID_ALIAS = ErrorCode("invalid_alias", 422, "This is no alias: {why}.", ours=("why",))
QUERY_OR_ALIAS = ErrorCode("query_or_alias", 422, "Ask by query, or by alias: one of the two.")
TOO_MANY_ALIASES = ErrorCode(
    "too_many_aliases", 409, "A customer can have at most {most} aliases.", ours=("most",)
)
UNKNOWN_DUPLICATE = ErrorCode("unknown_duplicate", 404, "There is no suggestion {duplicate}.")
NOT_OF_THE_TWO = ErrorCode("not_of_the_two", 422, "{customer} is neither of the two.")
DUPLICATE_DECIDED = ErrorCode("duplicate_decided", 409, "Suggestion {duplicate} is {status} already.")
TOO_MANY_CONSENTS = ErrorCode(
    "too_many_consents", 409, "A customer can have at most {most} consents.", ours=("most",)
)
TOTAL_TOO_LARGE = ErrorCode(
    "total_too_large", 409, "The customer's total in {currency} would be too large to keep."
)

BAD_SIGNATURE = ErrorCode("bad_signature", 401, "The webhook is not signed as it must be: {fault}.")
HOOK_OFF = ErrorCode("hook_off", 404, "There is no {setting}, so nothing is taken here.")
MALFORMED_HOOK = ErrorCode("malformed_webhook", 400, "The webhook cannot be read: {fault}.")

UNKNOWN_COMPLAINT = ErrorCode("unknown_complaint", 404, "There is no complaint {complaint}.")
COMPLAINT_EXISTS = ErrorCode("complaint_exists", 409, "There is a complaint {complaint} already.")
DUPLICATE_COMPLAINT = ErrorCode(
    "duplicate_complaint", 409, "Complaint {complaint} was opened before, with other data: the first holds."
)
AMBIGUOUS_COMPLAINT = ErrorCode(
    "ambiguous_complaint",
    409,
    "Several customers have a complaint {complaint}: name one customer with customer_id.",
)
TOO_MANY_COMPLAINTS = ErrorCode(
    "too_many_complaints",
    409,
    "A customer can have at most {most} complaints that are not closed.",
    ours=("most",),
)
INVALID_TRANSITION = ErrorCode(
    "invalid_transition",
    409,
    "Complaint {complaint} is {status} and cannot be {step}. It can be: {allowed}.",
    ours=("status", "step", "allowed"),
)
NOTHING_TO_APPROVE = ErrorCode(
    "nothing_to_approve", 409, "No such compensation of complaint {complaint} waits for an approval."
)
OWN_REQUEST = ErrorCode(
    "own_request", 403, "Compensation is approved by somebody else than who asked for it."
)
SEVERAL_APPROVALS = ErrorCode(
    "several_approvals", 409, "Several compensations wait, so name one with approval_id: {ids}."
)
TOO_MANY_APPROVALS = ErrorCode(
    "too_many_approvals",
    409,
    "Of a complaint at most {most} compensations wait for an approval.",
    ours=("most",),
)
UNKNOWN_ROOT_CAUSE = ErrorCode(
    "unknown_root_cause", 422, "The root cause must be one of: {listed}.", ours=("listed",)
)
TOO_MANY_STEPS = ErrorCode(
    "too_many_steps", 409, "A complaint can have at most {most} steps.", ours=("most",)
)

UNKNOWN_TASK = ErrorCode("unknown_task", 404, "There is no task {task}.")
TASK_EXISTS = ErrorCode("task_exists", 409, "Team {team} has a task {task} already.")
TASK_DONE = ErrorCode("task_done", 409, "Task {task} is done.")
DUPLICATE_TASK = ErrorCode(
    "duplicate_task", 409, "Task {task} of team {team} was opened before, with other data: the first holds."
)
AMBIGUOUS_TASK = ErrorCode(
    "ambiguous_task", 409, "Several teams have a task {task}: name one with the parameter team."
)
UNKNOWN_TEAM = ErrorCode("unknown_team", 404, "There is no team {team}.")
UNKNOWN_AGENT = ErrorCode("unknown_agent", 404, "There is no agent {agent}.")
OWN_ALONE = ErrorCode("own_alone", 403, "What trainers say to agent {agent} is for that agent alone.")
UNKNOWN_CONVERSATION = ErrorCode("unknown_conversation", 404, "There is no conversation {conversation}.")
AMBIGUOUS_CONVERSATION = ErrorCode(
    "ambiguous_conversation",
    409,
    "Several customers have a conversation {conversation}: name one customer with customer_id.",
)
CONVERSATION_MERGED = ErrorCode(
    "conversation_merged", 409, "Conversation {conversation} is part of {into} already."
)
CONVERSATION_CLOSED = ErrorCode("conversation_closed", 409, "Conversation {conversation} is closed.")
BOT_SILENCED = ErrorCode(
    "bot_silenced", 409, "Conversation {conversation} was handed to people: bots are silent in it."
)
SNOOZE_PAST = ErrorCode("snooze_past", 422, "A conversation rests until a time to come.")
UNKNOWN_MESSAGE = ErrorCode(
    "unknown_message", 404, "There is no message {message} in conversation {conversation}."
)

DUPLICATE_TERM = ErrorCode(
    "duplicate_term",
    409,
    "The term of subscription {subscription_id} that ends at {expires_at} was told before, with other data.",
)
DUPLICATE_REVIEW = ErrorCode(
    "duplicate_review", 409, "A review of {sku} at this time was told before, with other data."
)
DUPLICATE_REFERRAL = ErrorCode(
    "duplicate_referral", 409, "The referral of {referred_customer} was told before, with other data."
)
DUPLICATE_PRODUCT = ErrorCode(
    "duplicate_product", 409, "Product {product_id} was registered before, with other data."
)
TOO_MANY_WAITING = ErrorCode(
    "too_many_waiting",
    409,
    "Of a customer at most {most} facts wait for the orders or complaints they name.",
    ours=("most",),
)

AHEAD = ErrorCode("ahead", 422, "Nothing is known of {at} yet: it is more than 24 hours ahead.")

INVALID_CURSOR = ErrorCode("invalid_cursor", 422, "The cursor belongs to another customer's list.")

NOT_JSON = ErrorCode("not_json", 400, "The body is not JSON in UTF-8.")
UNSUPPORTED_MEDIA_TYPE = ErrorCode("unsupported_media_type", 415, "The content type must be {types}.")
INVALID_EVENTS = ErrorCode(
    "invalid_events", 422, "Nothing was published, since the events at index {indexes} are not valid."
)
FORBIDDEN_TYPE = ErrorCode("forbidden_type", 422, "Only Rapport itself writes {type}.")
FORBIDDEN_SOURCE = ErrorCode("forbidden_source", 422, "Only Rapport itself writes as {source}.")
FORBIDDEN = ErrorCode("forbidden", 403, "Writing {type} needs the scope admin.")
OTHERS_SOURCE = ErrorCode(
    "others_source", 403, "This key may not write events of the source {source}: it is for {allowed}."
)
OTHERS_TYPE = ErrorCode("others_type", 403, "This key may not write {type}: it is for {allowed}.")

CODES = declared(globals())
