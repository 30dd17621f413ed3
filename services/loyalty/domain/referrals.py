"""A member brings a friend: three events, so that each customer's state has one writer.

1. ``referral.made``, keyed by the referrer: passed on to the friend, who notes who it was.
2. The friend's first purchase asks the referrer, whose state knows how many the year had.
3. The referrer is rewarded and the friend told to be: both, or neither.

Where one of them is erased the other's account names them no more, and stays as it is: what was given was
given. An event that names somebody erased has no effect, but for the friend's own reward: the referrer had
theirs.
"""

from services.loyalty import errors
from services.loyalty.domain import rules
from services.loyalty.domain.account import entries
from services.loyalty.domain.account.book import Book
from services.loyalty.domain.members import require_member
from services.loyalty.domain.membership import Invited
from services.loyalty.domain.state import MemberState, Order
from shared.domain import Effects, Outcome
from shared.schemas.base import Data
from shared.schemas.commands.loyalty import (
    ReferralBonusRequested,
    ReferralForgetRequested,
    ReferralNoteRequested,
    ReferralRewardRequested,
)
from shared.schemas.commands.merging import MERGING
from shared.schemas.feedback import ReferralMade
from shared.schemas.times import DAY, Micros

JUDGES: tuple[type[Data], ...] = (
    ReferralBonusRequested,
    ReferralForgetRequested,
    MERGING["loyalty"].hand_over,
)
"""What may name somebody who is erased, and has its effect all the same."""
YEAR = 365 * DAY


def made(book: Book, at: Micros, data: ReferralMade) -> None:
    """Pass it on to the friend. Raises ``RefusedError`` (``self_referral``)."""
    if data.referred_customer == book.member:
        raise errors.SELF_REFERRAL(field="referred_customer", member=book.member)
    book.emit(ReferralNoteRequested(referrer=book.member), at, data.referred_customer)


def noted(book: Book, at: Micros, data: ReferralNoteRequested) -> Outcome:
    """At the friend: remember the referrer, unless the friend was a member before that instant.

    Raises ``RefusedError``: ``no_referrals``, ``existing_member``, ``already_referred``.
    """
    if book.program(at).referral is None:
        raise errors.NO_REFERRALS()
    if _known_before(book, at):
        raise errors.EXISTING_MEMBER(member=book.member)
    if book.invited is not None:
        raise errors.ALREADY_REFERRED(member=book.member)
    book.invited = Invited(referrer=data.referrer, at=at)
    # Topics are read side by side: the friend's purchases may have been heard of first.
    for order in book.orders:
        claim(book, order)
    return Outcome(200, {"status": "noted"})


def _known_before(book: Book, at: Micros) -> bool:
    """Whether the customer joined or bought up to then, as far as has been heard."""
    times = [order.at for order in book.orders]
    if book.enrolled_at is not None:
        times.append(book.enrolled_at)
    return min(times, default=at + 1) <= at


def claim(book: Book, order: Order) -> None:
    """At the friend's first purchase: ask the referrer's side for the reward."""
    invited = book.invited
    if invited is None or invited.claimed:
        return
    if _known_before(book, invited.at):
        # The referral was heard of before a purchase that was made before it: this was no new customer.
        book.invited = invited.model_copy(update={"claimed": True})
        return
    referral = book.program(order.at).referral
    if referral is None or order.spend < referral.minimum_total:
        return
    book.invited = invited.model_copy(update={"claimed": True})
    if invited.referrer:
        asked = ReferralRewardRequested(friend=book.member, order_id=order.order_id)
        book.emit(asked, order.at, invited.referrer)


def rewarded(book: Book, at: Micros, data: ReferralRewardRequested) -> Outcome:
    """At the referrer: points, and word to the friend's side.

    Raises ``RefusedError``: ``no_referrals``, ``unknown_member``, ``referral_limit``, ``points_overflow``.
    """
    require_member(book)
    program = book.program(at)
    if program.referral is None:
        raise errors.NO_REFERRALS()
    times = tuple(t for t in book.referrals if t > at - YEAR)
    if len([t for t in times if t <= at]) >= program.referral.per_year:
        raise errors.REFERRAL_LIMIT(member=book.member, per_year=program.referral.per_year)
    book.referrals = tuple(sorted((*times, at)))
    points = program.referral.points
    why = rules.ReferrerReward(program=program.version, friend=data.friend, order_id=data.order_id)
    entries.earn(book, points, at, why)
    book.emit(ReferralBonusRequested(referrer=book.member, points=points), at, data.friend)
    return Outcome(200, {"status": "rewarded", "points": points})


def bonus(book: Book, at: Micros, data: ReferralBonusRequested) -> Outcome:
    """At the friend: the same points. Raises ``RefusedError`` (``points_overflow``)."""
    require_member(book)
    referrer = "" if data.referrer in book.context.gone else data.referrer
    why = rules.FriendReward(program=book.program(at).version, referrer=referrer)
    entries.earn(book, data.points, at, why)
    return Outcome(200, {"status": "rewarded", "points": data.points})


def forgotten(state: MemberState, data: ReferralForgetRequested) -> Effects[MemberState]:
    """At the friend, though they are another by now: the referrer has been erased, so nobody is rewarded."""
    gone, apart = (data.referrer,), state.apart
    changed: dict[str, object] = {}
    if state.invited is not None:
        changed["invited"] = state.invited.without(gone)
    if apart is not None and apart.stayed is not None and apart.stayed.invited is not None:
        stayed = apart.stayed.model_copy(update={"invited": apart.stayed.invited.without(gone)})
        changed["apart"] = apart.model_copy(update={"stayed": stayed})
    return Effects(state.model_copy(update=changed) if changed else state)
