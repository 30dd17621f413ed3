"""What a purchase would earn and its vouchers take off: it is made on a copy of the account."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from services.loyalty.domain import purchases, rules
from services.loyalty.domain.account.book import Book
from services.loyalty.domain.account.vouchers import find_open
from services.loyalty.domain.apply import pass_time
from services.loyalty.domain.members import require_member
from services.loyalty.domain.program.program import Programs
from services.loyalty.domain.reservations import require_free
from services.loyalty.domain.rows import LedgerRow
from services.loyalty.domain.state import MemberState, Pending, Voucher
from shared.domain import Context, RefusedError
from shared.facts.text import voucher_code
from shared.schemas.loyalty import Cause
from shared.schemas.purchases import PurchaseMade
from shared.schemas.times import Micros, micros, moment

NO_ORDER = "?"
"""What no order is named: ids have no question marks."""


@dataclass(frozen=True, slots=True)
class Off:
    """A voucher, and what it takes off: minor units of the purchase's currency."""

    voucher: Voucher
    amount: int | None
    """None: the program does not say."""


@dataclass(frozen=True, slots=True)
class Earned:
    """A lot that the purchase would open."""

    why: rules.Rule
    points: int
    available_at: Micros
    expires_at: Micros


@dataclass(frozen=True, slots=True)
class Quote:
    """What a purchase would do."""

    vouchers: tuple[Off, ...]
    to_pay: int
    """Minor units of the purchase's currency, vouchers off: what earns."""
    earned: tuple[Earned, ...]
    balance: int
    """After it, with what can be spent at once."""
    tier: str
    """After it."""


def quote(
    member: str,
    state: MemberState,
    programs: Programs,
    now: Micros,
    data: PurchaseMade,
    used: Callable[[str], int],
    order_id: str | None = None,
) -> Quote:
    """The purchase ``data``, made now; its total is what would be paid without the vouchers, of which each
    takes off in turn. ``used``: as ``Context.used``. ``order_id``: the order that may have reserved them.

    Raises ``RefusedError``: 404 ``unknown_member`` where a purchase makes nobody a member; as
    ``purchases.made``, ``find_open`` and ``require_free`` do. Each names its field in the data.
    """
    context = Context(moment(now), lambda tag: tag, lambda tag: tag, used)
    book = Book(member, state, programs, Cause(source="", id=""), context)
    pass_time(book, now)
    program = book.program(book.at)
    if program.enrolment == "explicit":
        require_member(book)
    purchases.check_made(program, data)
    rate, to_pay = program.rate(data.total.currency), data.total.amount
    offs: list[Off] = []
    for voucher in _vouchers(book, data.voucher_codes, order_id):
        reward = book.program(voucher.issued_at).catalogue.get(voucher.reward_id)
        amount = None if reward is None else reward.takes_off(to_pay, rate)
        to_pay -= amount or 0
        offs.append(Off(voucher, amount))
    paid = data.total.model_copy(update={"amount": to_pay})
    entries, pending = len(book.entries), list(book.pending)
    made = data.model_copy(update={"order_id": NO_ORDER, "total": paid, "voucher_codes": ()})
    purchases.made(book, book.at, made)
    return Quote(
        vouchers=tuple(offs),
        to_pay=to_pay,
        earned=_earned(book.entries[entries:], [new for new in book.pending if new not in pending]),
        balance=book.balance,
        tier=book.periods[-1].tier,
    )


def _vouchers(book: Book, codes: Sequence[str], order_id: str | None) -> list[Voucher]:
    """Those that the codes name, each once. Raises ``RefusedError``."""
    found: dict[str, Voucher] = {}
    for place, code in enumerate(codes):
        try:
            voucher = book.vouchers[find_open(book, book.at, voucher_code(code))]
            require_free(voucher, order_id)
        except RefusedError as refused:
            field = f"voucher_codes.{place}"
            raise RefusedError(refused.code, refused.detail, status=refused.status, field=field) from None
        found[voucher.code] = voucher
    return list(found.values())


def _earned(booked: Sequence[LedgerRow], waiting: Sequence[Pending]) -> tuple[Earned, ...]:
    now = [
        Earned(row.why, row.points, micros(row.opened.available_at), micros(row.opened.expires_at))
        for row in booked
        if row.opened is not None
    ]
    later = [Earned(one.why, one.lot.points, one.available_at, one.lot.expires_at) for one in waiting]
    return (*now, *later)
