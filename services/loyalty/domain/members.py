"""Joining the program, who a member is, points given to make good, and corrections by hand."""

from services.loyalty import errors
from services.loyalty.domain import rules
from services.loyalty.domain.account import entries
from services.loyalty.domain.account.book import Book
from services.loyalty.domain.account.occasions import next_anniversary, next_birthday
from services.loyalty.domain.account.settle import settle
from services.loyalty.domain.state import Period
from shared.domain import Outcome, RefusedError
from shared.schemas.commands import AdjustmentRequested
from shared.schemas.complaints import CompensationGranted
from shared.schemas.customers import Profile
from shared.schemas.loyalty import MemberEnrolled
from shared.schemas.times import Micros, moment


def enrol(book: Book, at: Micros, channel: str | None = None, *, announce: bool = True) -> bool:
    """Make the customer a member from ``at``; False if they are one. ``announce``: emit the fact."""
    if book.enrolled_at is not None:
        return False
    program = book.program(at)
    book.enrolled_at = at
    book.periods = [Period(tier=program.tiers[0].name, start=at)]
    book.anniversary_at = next_anniversary(at, at)
    plan_birthday(book, at)
    if announce:
        book.emit(MemberEnrolled(channel=channel), at)
    if program.welcome_bonus:
        entries.earn(book, program.welcome_bonus, at, rules.Welcome(program=program.version))
    return True


def profile(book: Book, at: Micros, data: Profile) -> None:
    """Note birthday, time zone and segment; an older profile than the one known changes nothing."""
    settle(book, at)
    if book.profile_at is not None and at < book.profile_at:
        return
    book.profile_at = at
    book.birthday, book.timezone, book.segment = data.birthday, data.timezone, data.segment
    plan_birthday(book, book.at)


def forget_profile(book: Book, at: Micros) -> None:
    """The customer is erased: nothing personal stays here."""
    settle(book, at)
    book.profile_at = at
    book.birthday = book.timezone = book.segment = book.birthday_at = None


def plan_birthday(book: Book, after: Micros) -> None:
    """The next birthday of a member after ``after``."""
    if book.birthday is None or book.enrolled_at is None:
        book.birthday_at = None
    else:
        book.birthday_at = next_birthday(book.birthday, book.timezone, after)


def require_member(book: Book) -> None:
    """Raises ``RefusedError`` (404 ``unknown_member``)."""
    if book.enrolled_at is None:
        raise errors.UNKNOWN_MEMBER(member=book.member)


def enrol_asked(book: Book, at: Micros) -> Outcome:
    """201 for a new member, 200 for one who was."""
    settle(book, at)
    new = enrol(book, at)
    assert book.enrolled_at is not None
    body = {
        "customer_id": book.member,
        "enrolled_at": moment(book.enrolled_at).isoformat(),
        "tier": book.periods[-1].tier,
        "balance": book.balance,
    }
    return Outcome(201 if new else 200, body)


def compensated(book: Book, at: Micros, data: CompensationGranted) -> None:
    """Credit points given for a complaint; under automatic enrolment they make a member.

    Raises ``RefusedError``: ``missing_points``, ``unknown_member``, ``points_overflow``.
    """
    if not data.points or data.points < 0:
        raise errors.MISSING_POINTS(field="points")
    settle(book, at)
    if book.program(at).enrolment == "automatic":
        enrol(book, at)
    require_member(book)
    entries.earn(book, data.points, at, rules.Compensation(complaint_id=data.complaint_id))


def adjust(book: Book, at: Micros, data: AdjustmentRequested) -> Outcome:
    """Correct a balance; 201. Points given are a lot, points taken go by earliest expiry.

    Raises ``unknown_member``, ``invalid_points``, ``insufficient_points``, ``points_overflow``.
    """
    settle(book, at)
    require_member(book)
    if data.points == 0:
        raise errors.INVALID_POINTS(field="points")
    if data.points > 0:
        entries.give(book, data.points, at, rules.Adjustment(data.reason))
    elif -data.points > book.balance:
        raise insufficient(book, -data.points)
    else:
        entries.deduct(book, -data.points, at, rules.Adjustment(data.reason))
    entry_id = book.entries[-1].entry_id
    return Outcome(201, {"entry_id": entry_id, "points": data.points, "balance": book.balance})


def insufficient(book: Book, needed: int) -> RefusedError:
    return errors.INSUFFICIENT_POINTS(needed=needed, balance=book.balance)
