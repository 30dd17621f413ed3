"""Joining the program, who a member is, points given to make good, and corrections by hand."""

from typing import Any

from services.loyalty.domain.account.book import Book
from services.loyalty.domain.account.occasions import next_anniversary, next_birthday
from services.loyalty.domain.account.settle import settle
from services.loyalty.domain.state import Period
from shared.domain import Outcome, Refused
from shared.schemas.commands import AdjustmentRequested
from shared.schemas.complaints import CompensationGranted
from shared.schemas.customers import Profile
from shared.schemas.loyalty import MemberEnrolled
from shared.schemas.times import moment


def enrol(book: Book, at: int, channel: str | None = None, *, announce: bool = True) -> bool:
    """Make the customer a member from ``at``; False if they are one. ``announce``: emit the fact."""
    if book.enrolled_at is not None:
        return False
    program = book.program(at)
    book.enrolled_at = at
    book.periods = [Period(tier=program.tiers[0].name, start=at)]
    book.more["anniversary_at"] = next_anniversary(at, at)
    plan_birthday(book, at)
    if announce:
        book.emit(MemberEnrolled(channel=channel), at)
    if program.welcome_bonus:
        book.earn(program.welcome_bonus, at, "welcome", {"rule": "welcome", "program": program.version})
    return True


def profile(book: Book, at: int, data: Profile) -> None:
    """Note birthday, time zone and segment; an older profile than the one known changes nothing."""
    settle(book, at)
    known = book.now("profile_at")
    if known is not None and at < known:
        return
    book.more |= {
        "profile_at": at,
        "birthday": data.birthday,
        "timezone": data.timezone,
        "segment": data.segment,
    }
    plan_birthday(book, book.at)


def forget_profile(book: Book, at: int) -> None:
    """The customer is erased: nothing personal stays here."""
    settle(book, at)
    book.more |= {"profile_at": at, "birthday": None, "timezone": None, "segment": None, "birthday_at": None}


def plan_birthday(book: Book, after: int) -> None:
    """The next birthday of a member after ``after``."""
    birthday = book.now("birthday")
    known = birthday is not None and book.enrolled_at is not None
    book.more["birthday_at"] = next_birthday(birthday, book.now("timezone"), after) if known else None


def require_member(book: Book) -> None:
    """Raises ``Refused`` (404 ``unknown_member``)."""
    if book.enrolled_at is None:
        raise Refused("unknown_member", f"{book.member} is not a member.", status=404)


def enrol_asked(book: Book, at: int) -> Outcome:
    """201 for a new member, 200 for one who was."""
    settle(book, at)
    new = enrol(book, at)
    assert book.enrolled_at is not None
    body: dict[str, Any] = {
        "customer_id": book.member,
        "enrolled_at": moment(book.enrolled_at).isoformat(),
        "tier": book.periods[-1].tier,
        "balance": book.balance,
    }
    return Outcome(201 if new else 200, body)


def compensated(book: Book, at: int, data: CompensationGranted) -> None:
    """Credit points given for a complaint; under automatic enrolment they make a member.

    Raises ``Refused``: ``missing_points``, ``unknown_member``, ``points_overflow``.
    """
    if not data.points or data.points < 0:
        raise Refused(
            "missing_points", "A compensation in points says how many, 1 or more.", status=422, field="points"
        )
    settle(book, at)
    if book.program(at).enrolment == "automatic":
        enrol(book, at)
    require_member(book)
    why = {"rule": "compensation", "complaint_id": data.complaint_id}
    book.earn(data.points, at, "compensation", why)


def adjust(book: Book, at: int, data: AdjustmentRequested) -> Outcome:
    """Correct a balance; 201. Points given are a lot, points taken go by earliest expiry.

    Raises ``Refused``: ``unknown_member``, ``invalid_points``, ``insufficient_points``, ``points_overflow``.
    """
    settle(book, at)
    require_member(book)
    if data.points == 0:
        raise Refused(
            "invalid_points", "An adjustment of 0 points changes nothing.", status=422, field="points"
        )
    if data.points > 0:
        book.earn(data.points, at, data.reason, {"rule": "adjustment"}, kind="adjusted")
    elif -data.points > book.balance:
        raise insufficient(book, -data.points)
    else:
        book.deduct(-data.points, at, data.reason)
    return Outcome(201, {"entry_id": book.last_entry_id, "points": data.points, "balance": book.balance})


def insufficient(book: Book, needed: int) -> Refused:
    return Refused("insufficient_points", f"{needed} points are needed, the balance is {book.balance}.")
