"""Every way in which loyalty says no. To a command it is the answer; a fact becomes a dead letter."""

from shared.domain import ERASED as ERASED  # the journal says it, to any command
from shared.domain import ErrorCode, declared

# What there is not
UNKNOWN_MEMBER = ErrorCode("unknown_member", 404, "{member} is not a member.")
UNKNOWN_REWARD = ErrorCode("unknown_reward", 404, "The program has no reward {reward_id}.")
UNKNOWN_VOUCHER = ErrorCode("unknown_voucher", 404, "There is no such voucher.")
UNKNOWN_ENTRY = ErrorCode("unknown_entry", 404, "{member} has no entry {entry_id}.")

# Rewards and vouchers
INSUFFICIENT_POINTS = ErrorCode(
    "insufficient_points", 409, "{needed} points are needed, and the balance is {balance}."
)
TIER_REQUIRED = ErrorCode("tier_required", 409, "{reward_id} is for {tier} and above.", ours=("tier",))
REWARD_UNAVAILABLE = ErrorCode(
    "reward_unavailable", 409, "{reward_id} can be had {window}.", ours=("window",)
)
OUT_OF_STOCK = ErrorCode("out_of_stock", 409, "There is no {reward_id} left.")
VOUCHER_REDEEMED = ErrorCode("voucher_redeemed", 409, "The voucher was redeemed before.")
VOUCHER_CANCELLED = ErrorCode("voucher_cancelled", 409, "The voucher was cancelled before.")
VOUCHER_RESERVED = ErrorCode("voucher_reserved", 409, "The voucher is reserved until {until}.")
VOUCHER_EXPIRED = ErrorCode("voucher_expired", 409, "The voucher expired at {expires_at}.")

# Purchases and returns
NEGATIVE_TOTAL = ErrorCode("negative_total", 422, "Order {order_id} has a negative total: {total}.")
UNKNOWN_CURRENCY = ErrorCode(
    "unknown_currency", 422, "{currency} has no rate in the program, which takes {taken}.", ours=("taken",)
)
DUPLICATE_ORDER = ErrorCode("duplicate_order", 409, "Order {order_id} was counted already.")
NEGATIVE_REFUND = ErrorCode("negative_refund", 422, "Return {return_id} has a negative refund: {refund}.")
CURRENCY_MISMATCH = ErrorCode("currency_mismatch", 422, "Order {order_id} was paid in {currency}.")
REFUND_EXCEEDS_TOTAL = ErrorCode(
    "refund_exceeds_total",
    422,
    "Of order {order_id}'s total of {total} only {left} is left, which is less than {refund}.",
)
ORDER_FORGOTTEN = ErrorCode("order_forgotten", 409, "Order {order_id} is too long ago to be returned.")
DUPLICATE_RETURN = ErrorCode("duplicate_return", 409, "Return {return_id} was counted already.")

# Points given and taken by hand
MISSING_POINTS = ErrorCode("missing_points", 422, "A compensation in points says how many, 1 or more.")
INVALID_POINTS = ErrorCode("invalid_points", 422, "An adjustment of 0 points changes nothing.")
POINTS_OVERFLOW = ErrorCode("points_overflow", 422, "An account holds at most {most} points.", ours=("most",))

# Referrals: nobody waits for these, they stand in the journal and the metrics
SELF_REFERRAL = ErrorCode("self_referral", 422, "{member} cannot refer themselves.")
NO_REFERRALS = ErrorCode("no_referrals", 409, "The program has no referrals.")
EXISTING_MEMBER = ErrorCode("existing_member", 409, "{member} was a member already.")
ALREADY_REFERRED = ErrorCode("already_referred", 409, "{member} was referred by another customer before.")
REFERRAL_LIMIT = ErrorCode(
    "referral_limit", 409, "{member} was rewarded for {per_year} friends within a year.", ours=("per_year",)
)

CODES = declared(globals())
