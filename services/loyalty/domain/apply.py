"""One event, applied to one customer's state: the whole of loyalty as one pure function."""

from collections.abc import Callable

from services.loyalty.domain import members, purchases, rewards
from services.loyalty.domain.book import Book
from services.loyalty.domain.closing import close
from services.loyalty.domain.program import Program
from services.loyalty.domain.settle import settle
from services.loyalty.domain.state import MemberState
from services.loyalty.domain.times import micros
from shared.runtime.effects import Context, Effects, Outcome
from shared.schemas.base import Data
from shared.schemas.commands import (
    AdjustmentRequested,
    MemberEnrolRequested,
    RedemptionRequested,
    VoucherCancelRequested,
    VoucherRedeemRequested,
)
from shared.schemas.complaints import CompensationGranted
from shared.schemas.event import Event
from shared.schemas.loyalty import Cause, MemberEnrolled
from shared.schemas.purchases import PurchaseMade, PurchaseReturned
from shared.schemas.timer import TimerFired

CONSUMES: tuple[type[Data], ...] = (
    PurchaseMade,
    PurchaseReturned,
    CompensationGranted,
    MemberEnrolled,
    MemberEnrolRequested,
    RedemptionRequested,
    AdjustmentRequested,
    VoucherRedeemRequested,
    VoucherCancelRequested,
)


def applier(program: Program) -> Callable[[MemberState, Event, Context], Effects[MemberState]]:
    """``apply`` for this program."""

    def apply(state: MemberState, event: Event, context: Context) -> Effects[MemberState]:
        return apply_event(program, state, event, context)

    return apply


def apply_event(program: Program, state: MemberState, event: Event, context: Context) -> Effects[MemberState]:
    """What ``event`` does. Time is the event's own, so the result does not depend on when it is read.

    Raises ``Refused`` as the functions it calls say; the state is then as it was.
    """
    data = event.data
    if _passes_by(program, state, data):
        return Effects(state)
    cause = Cause(source=event.source, id=event.id)
    book = Book(event.subject, state, program, cause, context.new_id)
    outcome = _do(book, micros(event.time), data, context) or Outcome()
    return close(book, state, outcome, data.name if isinstance(data, TimerFired) else None)


def _passes_by(program: Program, state: MemberState, data: Data) -> bool:
    """Whether the event is none of the program's business."""
    match data:
        case PurchaseMade():
            return state.enrolled_at is None and program.enrolment == "explicit"
        case CompensationGranted():
            return data.kind != "points"
        case MemberEnrolled():
            return state.enrolled_at is not None
        case _:
            return False


def _do(book: Book, at: int, data: Data, context: Context) -> Outcome | None:
    match data:
        case PurchaseMade():
            purchases.made(book, at, data)
        case PurchaseReturned():
            purchases.returned(book, at, data)
        case TimerFired():
            settle(book, at)
        case CompensationGranted():
            members.compensated(book, at, data)
        case MemberEnrolled():
            settle(book, at)
            members.enrol(book, at, data.channel, announce=False)
        case MemberEnrolRequested():
            return members.enrol_asked(book, at)
        case RedemptionRequested():
            return rewards.redeem(book, at, data.reward_id, context.secret("voucher"))
        case AdjustmentRequested():
            return members.adjust(book, at, data)
        case VoucherRedeemRequested():
            return rewards.redeem_voucher(book, at, data.voucher_code)
        case VoucherCancelRequested():
            return rewards.cancel_voucher(book, at, data.voucher_code)
        case _:
            raise TypeError(f"loyalty does not use {type(data).__name__}")
    return None
