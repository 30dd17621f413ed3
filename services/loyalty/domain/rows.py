"""What loyalty keeps beside its states: the ledger, vouchers, and sums over all members.

This is the one place that knows the ledger's documents: ``ledger_document`` writes a row, ``ledger_row``
reads it back.
"""

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from datetime import datetime
from typing import Any, Literal, NamedTuple, TypeAlias

from services.loyalty.domain import rules
from services.loyalty.domain.state import Voucher
from shared.domain import Collection, Emit
from shared.merging.rows import MERGED
from shared.schemas.commands.loyalty import ReferralForgetRequested
from shared.schemas.loyalty import Cause
from shared.schemas.times import Micros, maybe_moment, moment

LEDGER = "ledger"
VOUCHERS = "vouchers"
LIABILITY = "liability"
"""Points outstanding and pending by the month (UTC) in which they expire."""
REFERRALS = "referrals"
"""{_id: the friend, referrer, at}: whom the friend's state names, until both are rewarded."""
TOTALS = "totals"
"""Under ``points`` signed points by kind of entry, and ``debt``; under ``tier gold`` its ``members``."""
POINTS_KEY = "points"
TIER_KEY = "tier "

Document: TypeAlias = Mapping[str, Any]
"""As the store has it."""
OTHERS = ("friend", "referrer", "other")
"""Of an entry's ``why``, whom it may name beside the member."""


def _without(row: Document, gone: frozenset[str]) -> dict[str, str]:
    """An entry that names nobody who is gone; it gives the same points for the same reason."""
    told = {f"why.{name}": "" for name in OTHERS if row["why"].get(name) in gone}
    return told | ({"why.order_id": ""} if "why.friend" in told else {})


def _forgotten(row: Document) -> Emit | None:
    if row["referrer"] is None:
        return None
    return Emit(ReferralForgetRequested(referrer=row["referrer"]), row["at"], row["_id"])


COLLECTIONS = (
    MERGED,
    # The reason of an adjustment is what an agent wrote.
    Collection(
        LEDGER,
        owner="member",
        personal=("reason",),
        indexes=("member,-seq",),
        names=tuple(f"why.{name}" for name in OTHERS),
        without=_without,
    ),
    Collection(
        REFERRALS, owner="_id", personal=(), indexes=("referrer",), also=("referrer",), forget=_forgotten
    ),
    Collection(VOUCHERS, owner="member", personal=()),
    Collection(LIABILITY, owner=None, personal=()),
    Collection(TOTALS, owner=None, personal=()),
)

Sums: TypeAlias = dict[str, dict[str, int]]
"""Of ``LIABILITY`` or ``TOTALS``: key -> field -> the sum over partitions."""
Kind = Literal["earned", "reversed", "redeemed", "expired", "restored", "adjusted"]


# One of each is made for every purchase: a tuple with names is frozen, has slots, and is made in a quarter of
# the time of a frozen dataclass.


class Piece(NamedTuple):
    """By how much an entry changed what remains of a lot."""

    entry_id: str
    """The lot's: that of the entry which opened it."""
    points: int


class Opened(NamedTuple):
    """The lot that an entry opens, under the entry's id."""

    earned_at: datetime
    available_at: datetime
    expires_at: datetime


class LedgerRow(NamedTuple):
    """An entry of a member's ledger. Always ``points`` = the sum of ``lots`` - ``debt``."""

    entry_id: str
    member: str
    seq: int
    """Its place in the member's ledger, from 1."""
    at: datetime
    """When it took effect."""
    booked_at: datetime
    """``at``, or the time of the entry before if that is later: what statements go by."""
    kind: Kind
    points: int
    """Signed."""
    balance: int
    """After it."""
    why: rules.Rule
    cause: Cause
    lots: tuple[Piece, ...]
    debt: int
    """By how much it changed what is owed."""
    order_id: str | None = None
    opened: Opened | None = None
    """For credits, but not for points given back: they go into lots that there were."""

    @property
    def reason(self) -> str:
        return self.why.reason


@dataclass(frozen=True, slots=True)
class VoucherRow:
    """A voucher: what the API finds its owner by."""

    member: str
    voucher: Voucher
    closed_at: Micros | None = None


def ledger_document(row: LedgerRow) -> dict[str, Any]:
    """The row as the store keeps it."""
    document = {
        "_id": row.entry_id,
        "member": row.member,
        "seq": row.seq,
        "at": row.at,
        "booked_at": row.booked_at,
        "kind": row.kind,
        "points": row.points,
        "balance": row.balance,
        "reason": row.why.reason,
        "cause": {"source": row.cause.source, "id": row.cause.id},
        "lots": [{"entry_id": lot, "points": change} for lot, change in row.lots],
        "debt": row.debt,
    }
    opened = row.opened
    if opened is not None:
        document["earned_at"] = opened.earned_at
        document["available_at"] = opened.available_at
        document["expires_at"] = opened.expires_at
    if opened is not None or row.kind == "reversed" or isinstance(row.why, rules.Joining):
        document["order_id"] = row.order_id
        document["why"] = _why(row.why)
    return document


def ledger_row(document: Document) -> LedgerRow:
    """The row that ``ledger_document`` wrote."""
    return LedgerRow(
        entry_id=document["_id"],
        member=document["member"],
        seq=document["seq"],
        at=document["at"],
        booked_at=document["booked_at"],
        kind=document["kind"],
        points=document["points"],
        balance=document["balance"],
        why=_rule(document["kind"], document["reason"], document.get("why") or {}),
        cause=Cause(source=document["cause"]["source"], id=document["cause"]["id"]),
        lots=tuple(Piece(lot["entry_id"], lot["points"]) for lot in document["lots"]),
        debt=document["debt"],
        order_id=document.get("order_id"),
        opened=(
            Opened(document["earned_at"], document["available_at"], document["expires_at"])
            if "earned_at" in document
            else None
        ),
    )


def voucher_document(row: VoucherRow) -> dict[str, Any]:
    """The row as the store keeps it."""
    voucher = row.voucher
    return {
        "_id": voucher.code,
        "member": row.member,
        "reward_id": voucher.reward_id,
        "cost": voucher.cost,
        "status": voucher.status,
        "issued_at": moment(voucher.issued_at),
        "expires_at": moment(voucher.expires_at),
        "closed_at": maybe_moment(row.closed_at),
        "order_id": voucher.order_id,
        "reserved_until": maybe_moment(voucher.reserved.until if voucher.reserved else None),
    }


def _why(rule: rules.Rule) -> dict[str, Any]:
    told = {name: getattr(rule, name) for name in _NAMES[type(rule)]}
    if isinstance(rule, rules.Campaign):
        told["effect"] = {rule.effect: told.pop("number")}
    return told


def _rule(kind: Kind, reason: str, why: Document) -> rules.Rule:
    match kind:
        case "redeemed":
            return rules.Redemption(reason)
        case "restored":
            return rules.Cancellation(reason)
        case "expired":
            return rules.Expiry()
        case "adjusted" if why.get("rule") not in JOINING:
            return rules.Adjustment(reason)
        case "adjusted" | "earned" | "reversed":
            return _told(reason, why)


def _told(reason: str, why: Document) -> rules.Rule:
    known = dict(why)
    if "effect" in known:
        ((known["effect"], known["number"]),) = known["effect"].items()
    for rule in _BY_NAME.get(known.get("rule", ""), ()):
        if known.keys() >= _NEEDED[rule]:
            return rule(**{name: known[name] for name in _NAMES[rule] if name in known})
    return rules.Unknown(known.get("rule", "unknown"), reason)


JOINING = ("merged", "unmerged")
"""What ``rules.Joining`` is stored as."""
_BY_NAME: Mapping[str, tuple[type[rules.Rule], ...]] = {
    "purchase": (rules.Purchase,),
    "campaign": (rules.Campaign,),
    "return": (rules.Return,),
    "duplicate_order": (rules.Double,),
    "merged": (rules.Joining,),
    "unmerged": (rules.Joining,),
    "referral": (rules.ReferrerReward, rules.FriendReward),
    "anniversary": (rules.Anniversary,),
    "birthday": (rules.Birthday,),
    "welcome": (rules.Welcome,),
    "compensation": (rules.Compensation,),
}
_NAMES: Mapping[type[rules.Rule], tuple[str, ...]] = {
    # An adjustment's reason is the entry's own.
    rules.Adjustment: ("rule",),
    **{rule: tuple(field.name for field in fields(rule)) for kept in _BY_NAME.values() for rule in kept},
}
"""What of each is stored."""
_NEEDED = {
    rule: {field.name for field in fields(rule) if field.default is MISSING}
    for rules_of_a_name in _BY_NAME.values()
    for rule in rules_of_a_name
}
"""What of each must have been stored."""
