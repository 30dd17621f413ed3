"""One event, applied to one customer's state: the whole of loyalty as one pure function."""

from collections.abc import Callable
from functools import partial

from services.loyalty import errors
from services.loyalty.domain import kept, members, purchases, referrals, reservations, rewards, waiting
from services.loyalty.domain.account import entries
from services.loyalty.domain.account.book import Book
from services.loyalty.domain.account.closing import close, end
from services.loyalty.domain.account.settle import settle
from services.loyalty.domain.merging.course import course_of
from services.loyalty.domain.program.program import Program, Programs
from services.loyalty.domain.state import MemberState, Told
from shared.domain import Context, Effects, Outcome, RefusedError, Unseen
from shared.facts.names import Heard, heard, name_of
from shared.merging.course import concerns
from shared.schemas.base import Data
from shared.schemas.commands import Command
from shared.schemas.commands.loyalty import (
    AdjustmentRequested,
    MemberEnrolRequested,
    RedemptionRequested,
    ReferralBonusRequested,
    ReferralForgetRequested,
    ReferralNoteRequested,
    ReferralRewardRequested,
    VoucherCancelRequested,
    VoucherRedeemRequested,
    VoucherReleaseRequested,
    VoucherReserveRequested,
)
from shared.schemas.commands.merging import MERGING
from shared.schemas.complaints import CompensationGranted
from shared.schemas.customers import (
    CustomerErased,
    CustomerMerged,
    CustomerRegistered,
    CustomerUnmerged,
    CustomerUpdated,
    ErasureLifted,
)
from shared.schemas.event import Event
from shared.schemas.feedback import ReferralMade
from shared.schemas.insights import SegmentChanged
from shared.schemas.loyalty import Cause, MemberEnrolled
from shared.schemas.purchases import PurchaseMade, PurchaseReturned
from shared.schemas.timer import TimerFired
from shared.schemas.times import MILLISECOND, Micros, day_of, micros

CONSUMES: tuple[type[Data], ...] = (
    PurchaseMade,
    PurchaseReturned,
    CompensationGranted,
    MemberEnrolled,
    CustomerRegistered,
    CustomerUpdated,
    CustomerErased,
    ErasureLifted,
    SegmentChanged,
    ReferralMade,
    MemberEnrolRequested,
    RedemptionRequested,
    AdjustmentRequested,
    VoucherRedeemRequested,
    VoucherCancelRequested,
    VoucherReserveRequested,
    VoucherReleaseRequested,
    ReferralNoteRequested,
    ReferralRewardRequested,
    ReferralBonusRequested,
    ReferralForgetRequested,
    CustomerMerged,
    CustomerUnmerged,
    *MERGING["loyalty"].all,
)

NAMED = PurchaseMade | PurchaseReturned | ReferralMade
"""What has no second effect under another event id."""

JUDGED_ELSEWHERE = CompensationGranted | ReferralMade
"""What interactions may make a dead letter of."""

_NEW = Heard.NEW
NOBODY_ASKED = Outcome()
"""What a fact is answered."""


def apply(programs: Programs, state: MemberState, event: Event, context: Context) -> Effects[MemberState]:
    """As ``_decided``; what is told of one who is another by now goes to that one."""
    if isinstance(event.data, ReferralForgetRequested):
        return referrals.forgotten(state, event.data)
    if concerns(state.merging, event):
        course = course_of(partial(_opened, programs), _judged)
        return course.apply(state, event, context, partial(_decided, programs))
    return _decided(programs, state, event, context)


def _opened(programs: Programs, state: MemberState, event: Event, context: Context) -> Book:
    """The book as of an event of merging."""
    cause = Cause(source=event.source, id=event.id)
    book = Book(event.subject, state, programs, cause, context)
    _reach(book, min(micros(event.time), micros(context.now)))
    return book


def _judged(book: Book) -> None:
    """What came with another account is judged as if it had been told here."""
    if book.enrolled_at is not None and book.early:
        _count_early(book)
    pass_time(book, book.at)


def _decided(programs: Programs, state: MemberState, event: Event, context: Context) -> Effects[MemberState]:
    """What ``event`` does. Time is the event's own, so the result does not depend on when it is read, but for
    presents that would be over by now. Yet for a member time passes only as it passes: a fact of the future
    waits for its time.

    Raises ``RefusedError``: ``duplicate_order``, ``duplicate_return``, and as the functions it calls say; the
    state is then as it was.
    """
    data, at, now = event.data, micros(event.time), micros(context.now)
    if isinstance(data, Command):
        at = min(at, now)  # what is asked for is done now
    if _passes_by(programs.at, state.enrolled_at, at, data):
        return _unseen(state, event, context) if isinstance(data, JUDGED_ELSEWHERE) else Effects(state)
    name = name_of(event) if isinstance(data, NAMED) else None
    if name is not None and (known := heard(state.names, name)) is not _NEW:
        if known is Heard.OTHER and isinstance(data, PurchaseReturned):
            known = purchases.among_waiting(state.waiting, name, data)
        if known is Heard.OTHER:
            _refuse_other(data)
            return _unseen(state, event, context)
        if known is not _NEW:
            return Effects(state)
        name = None  # it has been noted
    cause = Cause(source=event.source, id=event.id)
    book = Book(event.subject, state, programs, cause, context)
    book.extensions = event.extensions_text
    if event.been and event.told_of != event.subject:
        book.told_of = event.told_of
    if name is not None:
        book.hear(name, day_of(now))
    _reach(book, min(at, now))
    if isinstance(data, CustomerErased):
        entries.write_off(book)
        return end(book)
    outcome = NOBODY_ASKED
    if at > max(book.at, now) and _can_wait(book, data):
        waiting.keep_for_its_time(book, at, data)
    elif _may_have_joined(book, at, data):
        waiting.keep_for_joining(book, kept.told(book, at, data))
    else:
        outcome = _act(book, at, data)
    return close(book, outcome, fired=isinstance(data, TimerFired))


def _unseen(state: MemberState, event: Event, context: Context) -> Effects[MemberState]:
    """No effect; put right under its id it may have one."""
    return Effects(state, unseen=(Unseen(event, context.origin),))


def _reach(book: Book, until: Micros) -> None:
    """``pass_time`` for a state as it was stored: mostly its timer says that nothing is due."""
    due = book.before.due
    if due is None or until + MILLISECOND < due:
        book.at = max(book.at, until)
    else:
        pass_time(book, until)


def pass_time(book: Book, until: Micros) -> None:
    """All that fell due up to and including ``until``, in the order of time: what time alone does, and what
    was told of the future."""
    while book.ahead and book.ahead[0].at <= until:
        fact = book.ahead.pop(0)
        settle(book, fact.at)
        _judge(book, fact)
    settle(book, until)


def _judge(book: Book, fact: Told) -> None:
    """Do what a fact says that was kept; one that is refused becomes a dead letter."""
    event = kept.event_of(fact, book.member)
    data = event.data
    if _passes_by(book.program, book.enrolled_at, fact.at, data):
        kept.drop_name(book, fact)
        return
    if _may_have_joined(book, fact.at, data):
        waiting.keep_for_joining(book, fact)
        return
    saved = book.saved()
    book.cause, book.origin = Cause(source=event.source, id=event.id), fact.origin
    book.extensions = fact.extensions
    book.told_of = book.owner("told", " ".join(fact.cause))
    try:
        _act(book, fact.at, data)
    except RefusedError as refusal:
        book.restore(saved)
        book.retract(event, fact.origin, refusal)
    for name in ("cause", "origin", "extensions", "told_of"):
        setattr(book, name, saved[name])


def _can_wait(book: Book, data: Data) -> bool:
    """Whether its time can be waited for. A return of an order not seen yet waits for that."""
    if isinstance(data, PurchaseReturned):
        return purchases.is_known(book, data.order_id)
    return isinstance(data, waiting.CAN_WAIT)


def _count_early(book: Book) -> None:
    """The joining is heard of: what was bought from then on counts, what was bought before does not."""
    early, book.early = sorted(book.early, key=lambda fact: fact.at), ()
    for fact in early:
        _judge(book, fact)


def _passes_by(program: Callable[[Micros], Program], joined: Micros | None, at: Micros, data: Data) -> bool:
    """Whether the event is none of the program's business."""
    match data:
        case PurchaseMade():
            return joined is not None and at < joined and program(at).enrolment == "explicit"
        case CompensationGranted():
            return data.kind != "points" and (data.kind != "voucher" or data.reward_id is None)
        case MemberEnrolled():
            return joined is not None
        case ReferralMade():
            return program(at).referral is None
        case ErasureLifted():
            return True  # nobody is erased
        case _:
            return False


def _may_have_joined(book: Book, at: Micros, data: Data) -> bool:
    """Whether it is a purchase of one who is no member as far as is known."""
    if book.enrolled_at is not None or not isinstance(data, PurchaseMade):
        return False
    return book.program(at).enrolment == "explicit"


def _refuse_other(data: Data) -> None:
    """The thing was told before with other data. Raises ``duplicate_order``, ``duplicate_return``."""
    match data:
        case PurchaseMade():
            raise errors.DUPLICATE_ORDER(field="order_id", order_id=data.order_id)
        case PurchaseReturned():
            raise errors.DUPLICATE_RETURN(field="return_id", return_id=data.return_id)


def _act(book: Book, at: Micros, data: Data) -> Outcome:
    """Do what the event asks. Returns what a command is answered."""
    match data:
        case PurchaseMade():
            purchases.made(book, at, data)
        case PurchaseReturned():
            purchases.returned(book, at, data)
        case TimerFired():
            pass  # its time has passed
        case CompensationGranted(kind="points"):
            members.compensated(book, at, data)
        case CompensationGranted():
            rewards.compensated(book, at, data)
        case CustomerRegistered() | CustomerUpdated():
            members.profile(book, at, data)
        case SegmentChanged():
            members.seen_as(book, at, data)
        case ReferralMade():
            referrals.made(book, at, data)
        case MemberEnrolled():
            members.enrol(book, at, data.channel, data.tier)
            _count_early(book)
        case MemberEnrolRequested():
            new = members.enrol(book, at)
            _count_early(book)
            return members.enrolled(book, new=new)
        case RedemptionRequested():
            return rewards.redeem(book, at, data.reward_id, book.context.secret("voucher"))
        case AdjustmentRequested():
            return members.adjust(book, at, data)
        case VoucherRedeemRequested():
            return rewards.redeem_voucher(book, at, data.voucher_code, data.order_id)
        case VoucherCancelRequested():
            return rewards.cancel_voucher(book, at, data.voucher_code)
        case VoucherReserveRequested():
            return reservations.reserve(book, at, data.voucher_code, data.seconds, data.order_id)
        case VoucherReleaseRequested():
            return reservations.release(book, at, data.voucher_code, data.order_id)
        case ReferralNoteRequested():
            return referrals.noted(book, at, data)
        case ReferralRewardRequested():
            return referrals.rewarded(book, at, data)
        case ReferralBonusRequested():
            return referrals.bonus(book, at, data)
        case _:
            raise TypeError(f"loyalty does not use {type(data).__name__}")
    return NOBODY_ASKED
