"""Time passing: lots become available and expire, tiers end, days come round, each at its own instant."""

from collections.abc import Callable
from typing import Any

from services.loyalty.domain import rules
from services.loyalty.domain.account import entries, notices, tiers
from services.loyalty.domain.account.book import Book
from services.loyalty.domain.account.occasions import (
    APART,
    next_anniversary,
    next_birthday,
    years_between,
)
from services.loyalty.domain.account.vouchers import end_reservations, issue, reservation_due, take_one
from services.loyalty.domain.program.catalogue import Reward
from shared.schemas.loyalty import Cause, MemberAnniversary, MemberBirthday
from shared.schemas.times import Micros, micros, moment


def settle(book: Book, until: Micros) -> Micros | None:
    """Do all that fell due up to and including ``until``, which may lie before what is done already.

    Returns when time alone changes something next."""
    book.at = max(book.at, until)
    while (due := _next_due(book)) is not None:
        at, act = due
        if at > book.at:
            return at
        act(book, at)
    return None


def _next_due(book: Book) -> tuple[Micros, Callable[[Book, Micros], None]] | None:
    """When time alone changes something next, and what does it. At one instant: points that end or become
    available, then the tier, then gifts, then reservations, then the notice of what will expire."""
    first: tuple[Micros, Callable[[Book, Micros], None]] | None = None
    for at, act in (
        (_points_due(book), _points),
        (tiers.due(book), tiers.judge),
        (book.anniversary_at, _anniversary),
        (book.birthday_at, _birthday),
        (reservation_due(book), end_reservations),
        (notices.expiring_due(book), notices.tell_expiring),
    ):
        if at is not None and (first is None or at < first[0]):
            first = at, act
    return first


def _points_due(book: Book) -> Micros | None:
    """When the next lot becomes available or expires."""
    active = book.lots.active
    expiry = active[0].expires_at if active else None
    if not book.pending:
        return expiry
    available = book.pending[0].available_at
    return available if expiry is None else min(available, expiry)


def _points(book: Book, at: Micros) -> None:
    if not book.pending or book.pending[0].available_at != at:
        entries.expire(book, book.lots.active[0])
        return
    pending = book.pending.pop(0)
    present = book.cause
    book.cause = Cause(source=pending.cause[0], id=pending.cause[1])
    entries.activate(book, pending.lot, at, pending.why)
    book.cause = present


def _anniversary(book: Book, at: Micros) -> None:
    assert book.enrolled_at is not None
    book.anniversary_at = next_anniversary(book.enrolled_at, at)
    program = book.program(at)
    if program.anniversary is None:
        return
    years = years_between(book.enrolled_at, at)
    points = program.anniversary.points * years
    if not book.has_room(points):
        return
    entries.earn(book, points, at, rules.Anniversary(program=program.version, years=years))
    book.emit(MemberAnniversary(years=years, points=points), at)


def _birthday(book: Book, at: Micros) -> None:
    birthday = book.told("birthday")
    assert birthday is not None
    book.birthday_at = next_birthday(birthday, book.told("timezone"), at)
    program = book.program(at)
    given_at = book.birthday_given_at
    if program.birthday is None or (given_at is not None and at - given_at < APART):
        return
    points, reward_id = program.birthday.points, program.birthday.reward
    if points is not None and not book.has_room(points):
        points = None
    if points is None and reward_id is None:
        return
    book.birthday_given_at = at
    if points is not None:
        entries.earn(book, points, at, rules.Birthday(program=program.version))
    present = {} if reward_id is None else _present(book, at, program.catalogue[reward_id])
    book.emit(MemberBirthday(points=points, **present), at)


def _present(book: Book, at: Micros, reward: Reward) -> dict[str, Any]:
    """Issue the voucher of a birthday, which costs no points, and what the birthday says of it: nothing where
    none is left, or where it would be over by now, as with one who is imported with years of the past. To
    whom the reward is offered, and when, does not bind who gives it."""
    if reward.ends(at) <= micros(book.context.now) or not take_one(book, reward):
        return {}
    voucher = issue(book, at, reward, book.context.secret(f"birthday {at}"), occasion="birthday")
    return {
        "reward_id": reward.id,
        "name": reward.name,
        "voucher_code": voucher.code,
        "expires_at": moment(voucher.expires_at),
    }
