"""Joining the program, who a member is, points given to make good, and corrections by hand."""

import json
from collections.abc import Mapping

from services.loyalty import errors
from services.loyalty.domain import rules
from services.loyalty.domain.account import entries
from services.loyalty.domain.account.book import Book
from services.loyalty.domain.account.occasions import next_anniversary, next_birthday
from services.loyalty.domain.membership import Period
from services.loyalty.domain.state import PROFILE
from shared.domain import Outcome, RefusedError
from shared.facts.profile import Known, profile_told
from shared.schemas.commands.loyalty import AdjustmentRequested
from shared.schemas.complaints import CompensationGranted
from shared.schemas.customers import Profile
from shared.schemas.insights import SegmentChanged
from shared.schemas.loyalty import MemberEnrolled
from shared.schemas.times import Micros, moment

SEEN_AS = "seen_as"
"""Beside the profile's fields: what metrics make of the customer."""


def enrol(book: Book, at: Micros, channel: str | None = None, tier: str | None = None) -> bool:
    """Make the customer a member from ``at``; False if they are one. ``tier``: what was told already of the
    tier that they begin with; if that is another, the fact is told with it."""
    if book.enrolled_at is not None:
        return False
    program = book.program(at)
    book.enrolled_at = at
    book.periods = [Period(tier=program.tiers[0].name, start=at)]
    book.anniversary_at = next_anniversary(at, at)
    plan_birthday(book, at)
    if tier != program.tiers[0].name:
        book.emit(MemberEnrolled(channel=channel, tier=book.periods[0].tier), at)
    if program.welcome_bonus:
        entries.earn(book, program.welcome_bonus, at, rules.Welcome(program=program.version))
    return True


def profile(book: Book, at: Micros, data: Profile) -> None:
    """Note birthday, time zone and segment, field by field as the latest event time has them."""
    before = told_profile(book)
    known = profile_told(before, data, at, PROFILE)
    if known is before:
        return
    days = book.told("birthday"), book.told("timezone")
    keep_profile(book, known)
    if days != (book.told("birthday"), book.told("timezone")):
        plan_birthday(book, book.at)  # of the future, too, it is known now: no birthday is passed over


def seen_as(book: Book, at: Micros, data: SegmentChanged) -> None:
    """Note the segment that metrics see the customer in; the later word by event time holds."""
    before = told_profile(book)
    known = before.get(SEEN_AS)
    if known is None or at >= known.at:
        keep_profile(book, {**before, SEEN_AS: Known(encoded=json.dumps(data.to), at=at)})


def told_profile(book: Book) -> Mapping[str, Known]:
    """What was told of whom the event is told of: the member, or an old id of theirs."""
    if book.apart is None or not book.apart.profiles:
        return {} if book.told_of else book.profile
    return book.apart.profiles.get(book.told_of, {})


def keep_profile(book: Book, told: Mapping[str, Known]) -> None:
    """From now on this is what was told of them."""
    if book.told_of or (book.apart is not None and book.apart.profiles):
        whose = book.whose()
        whose.profiles.setdefault("", book.profile)
        whose.profiles[book.told_of] = told
        book.profile = whose.combined()
    else:
        book.profile = told


def segment(book: Book) -> str | None:
    """The profile's; where that names none, the one that metrics see the customer in."""
    return book.told("segment") or book.told(SEEN_AS)


def plan_birthday(book: Book, after: Micros) -> None:
    """The next birthday of a member after ``after``."""
    birthday = book.told("birthday")
    if birthday is None or book.enrolled_at is None:
        book.birthday_at = None
    else:
        book.birthday_at = next_birthday(birthday, book.told("timezone"), after)


def require_member(book: Book) -> None:
    """Raises ``RefusedError`` (404 ``unknown_member``)."""
    if book.enrolled_at is None:
        raise errors.UNKNOWN_MEMBER(member=book.member)


def join_by_gift(book: Book, at: Micros) -> None:
    """Something is given to the customer: under automatic enrolment that makes a member. Raises
    ``RefusedError`` (404 ``unknown_member``) where it does not."""
    if book.program(at).enrolment == "automatic":
        enrol(book, at)
    require_member(book)


def enrolled(book: Book, *, new: bool) -> Outcome:
    """201 for a new member, 200 for one who was."""
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
    join_by_gift(book, at)
    entries.earn(book, data.points, at, rules.Compensation(complaint_id=data.complaint_id))


def adjust(book: Book, at: Micros, data: AdjustmentRequested) -> Outcome:
    """Correct a balance; 201. Points given are a lot, points taken go by earliest expiry.

    Raises ``unknown_member``, ``invalid_points``, ``insufficient_points``, ``points_overflow``.
    """
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
