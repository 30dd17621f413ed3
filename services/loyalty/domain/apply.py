"""One event, applied to one customer's state: the whole of loyalty as one pure function."""

from services.loyalty.domain import members, purchases, referrals, rewards
from services.loyalty.domain.account.book import Book
from services.loyalty.domain.account.closing import close
from services.loyalty.domain.account.settle import settle
from services.loyalty.domain.program.program import Programs
from services.loyalty.domain.state import MemberState
from shared.domain import Context, Effects, Outcome
from shared.schemas.base import Data
from shared.schemas.commands import (
    AdjustmentRequested,
    MemberEnrolRequested,
    RedemptionRequested,
    ReferralBonusRequested,
    ReferralNoteRequested,
    ReferralRewardRequested,
    VoucherCancelRequested,
    VoucherRedeemRequested,
)
from shared.schemas.complaints import CompensationGranted
from shared.schemas.customers import CustomerErased, CustomerRegistered, CustomerUpdated
from shared.schemas.event import Event
from shared.schemas.feedback import ReferralMade
from shared.schemas.loyalty import Cause, MemberEnrolled
from shared.schemas.purchases import PurchaseMade, PurchaseReturned
from shared.schemas.timer import TimerFired
from shared.schemas.times import Micros, micros

CONSUMES: tuple[type[Data], ...] = (
    PurchaseMade,
    PurchaseReturned,
    CompensationGranted,
    MemberEnrolled,
    CustomerRegistered,
    CustomerUpdated,
    CustomerErased,
    ReferralMade,
    MemberEnrolRequested,
    RedemptionRequested,
    AdjustmentRequested,
    VoucherRedeemRequested,
    VoucherCancelRequested,
    ReferralNoteRequested,
    ReferralRewardRequested,
    ReferralBonusRequested,
)

NOBODY_ASKED = Outcome()
"""What a fact is answered."""


def apply(programs: Programs, state: MemberState, event: Event, context: Context) -> Effects[MemberState]:
    """What ``event`` does. Time is the event's own, so the result does not depend on when it is read.

    Raises ``RefusedError`` as the functions it calls say; the state is then as it was.
    """
    data, at = event.data, micros(event.time)
    if _passes_by(programs, state, data, at):
        return Effects(state)
    cause = Cause(source=event.source, id=event.id)
    book = Book(event.subject, state, programs, cause, context)
    return close(book, _act(book, at, data), fired=isinstance(data, TimerFired))


def _passes_by(programs: Programs, state: MemberState, data: Data, at: Micros) -> bool:
    """Whether the event is none of the program's business."""
    match data:
        case PurchaseMade():
            return state.enrolled_at is None and programs.at(at).enrolment == "explicit"
        case CompensationGranted():
            return data.kind != "points"
        case MemberEnrolled():
            return state.enrolled_at is not None
        case ReferralMade():
            return programs.at(at).referral is None
        case _:
            return False


def _act(book: Book, at: Micros, data: Data) -> Outcome:
    """Do what the event asks. Returns what a command is answered."""
    match data:
        case PurchaseMade():
            purchases.made(book, at, data)
        case PurchaseReturned():
            purchases.returned(book, at, data)
        case TimerFired():
            settle(book, at)
        case CompensationGranted():
            members.compensated(book, at, data)
        case CustomerRegistered() | CustomerUpdated():
            members.profile(book, at, data)
        case CustomerErased():
            members.forget_profile(book, at)
        case ReferralMade():
            referrals.made(book, at, data)
        case MemberEnrolled():
            settle(book, at)
            members.enrol(book, at, data.channel, announce=False)
        case MemberEnrolRequested():
            return members.enrol_asked(book, at)
        case RedemptionRequested():
            return rewards.redeem(book, at, data.reward_id, book.context.secret("voucher"))
        case AdjustmentRequested():
            return members.adjust(book, at, data)
        case VoucherRedeemRequested():
            return rewards.redeem_voucher(book, at, data.voucher_code)
        case VoucherCancelRequested():
            return rewards.cancel_voucher(book, at, data.voucher_code)
        case ReferralNoteRequested():
            return referrals.noted(book, at, data)
        case ReferralRewardRequested():
            return referrals.rewarded(book, at, data)
        case ReferralBonusRequested():
            return referrals.bonus(book, at, data)
        case _:
            raise TypeError(f"loyalty does not use {type(data).__name__}")
    return NOBODY_ASKED
