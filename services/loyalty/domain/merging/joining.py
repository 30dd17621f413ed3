"""What comes: a part of another account into this one, or of this one home again. Parts may come in any
order."""

from bisect import bisect_right, insort
from dataclasses import replace
from typing import Literal

from msgspec import structs

from services.loyalty.domain import kept, purchases, rewards, rules
from services.loyalty.domain.account import entries, tiers
from services.loyalty.domain.account.book import Book
from services.loyalty.domain.account.occasions import next_anniversary
from services.loyalty.domain.members import plan_birthday
from services.loyalty.domain.membership import Period, Stayed
from services.loyalty.domain.merging import names as packed
from services.loyalty.domain.merging.handed import Handed, OrderOf, ToldOf, VoucherOf
from services.loyalty.domain.rows import VoucherRow
from services.loyalty.domain.state import Told


def come_home(book: Book) -> None:
    """The member is themselves again: what they were holds at once, what they had is on its way."""
    stayed = (book.apart and book.apart.stayed) or Stayed()
    book.apart = None
    book.enrolled_at = stayed.enrolled_at
    book.periods = list(stayed.periods)
    book.bought_at = stayed.bought_at
    book.invited = stayed.invited
    book.birthday_given_at = stayed.birthday_given_at
    if book.enrolled_at is not None:
        book.anniversary_at = next_anniversary(book.enrolled_at, max(book.at, book.enrolled_at))


def join(book: Book, handed: Handed) -> None:
    """Everything of the part is here from now on."""
    rule: Literal["merged", "unmerged"] = "unmerged" if handed.home else "merged"
    why = rules.Joining(rule=rule, other=handed.other, missing=handed.missing)
    _join_member(book, handed)
    _join_names(book, handed)
    _join_profiles(book, handed)
    if handed.debt:
        entries.owe(book, handed.debt, why)
    plain = replace(why, missing=0)
    for one in handed.lots:
        here = entries.put_in(book, one.lot, plain)
        _note(book, "lot", here.entry_id, one.of)
    if handed.missing:
        entries.take_all(book, (), why)
    for waiting in handed.pending:
        _note(book, "lot", waiting.pending.lot.entry_id, waiting.of)
        insort(book.pending, waiting.pending, key=lambda pending: pending.available_at)
    for order in handed.orders:
        _join_order(book, order)
    for voucher in handed.vouchers:
        _join_voucher(book, voucher, plain)
    book.used_codes = (*book.used_codes, *handed.used)[-rewards.MOST_USED :]
    if book.used_codes:
        rewards.use_come(book)
    for told in handed.told:
        _join_told(book, told)
    for customer, points in handed.lifetime:
        book.lifetime += points
        if customer != book.member:
            lifetime = book.whose().lifetime
            lifetime[customer] = lifetime.get(customer, 0) + points
    for order_id in sorted(_waited_for(book)):
        if purchases.is_known(book, order_id):
            purchases.apply_waiting(book, order_id)
    if book.periods:
        tiers.upgrade(book, book.at)


def _note(book: Book, thing: str, name: str, of: str) -> None:
    """Whose it is, where that is not the member."""
    if of != book.member:
        book.whose().things[f"{thing} {name}"] = of


def _join_member(book: Book, handed: Handed) -> None:
    """Membership, tier and dates: the better of both holds, and what happens once in a life has happened."""
    times = [at for at in (book.bought_at, handed.bought_at) if at is not None]
    book.bought_at = min(times, default=None)
    book.birthday_given_at = max(
        (at for at in (book.birthday_given_at, handed.birthday_given_at) if at is not None), default=None
    )
    book.told_at = max((at for at in (book.told_at, handed.told_at) if at is not None), default=None)
    book.told_until = max(book.told_until, handed.told_until)
    book.referrals = tuple(sorted((*book.referrals, *handed.referrals)))
    invited = [one for one in (book.invited, handed.invited) if one is not None]
    if invited:
        first = min(invited, key=lambda one: (one.at, one.referrer))
        claimed = any(one.claimed or one.referrer in (book.member, handed.other) for one in invited)
        # Nobody brings themselves.
        joined = first.model_copy(update={"claimed": claimed})
        book.invited = joined.without(book.context.gone)
    if handed.campaigns:
        points = dict(book.campaigns)
        for campaign, given in handed.campaigns:
            points[campaign] = points.get(campaign, 0) + given
        book.campaigns = tuple(points.items())
    if handed.enrolled_at is None:
        return
    book.enrolled_at = min(handed.enrolled_at, book.enrolled_at or handed.enrolled_at)
    book.anniversary_at = next_anniversary(book.enrolled_at, max(book.at, book.enrolled_at))
    plan_birthday(book, book.at)
    if handed.period is not None:
        _join_tier(book, handed.period)


def _join_tier(book: Book, period: Period) -> None:
    """Nobody loses a tier by a merge: the higher holds, and of one tier the longer."""
    program = book.program(book.at)
    if not book.periods:
        book.periods = [Period(tier=program.tiers[0].name, start=period.start)]
    held = book.periods[-1]
    mine, theirs = program.rank(held.tier), program.rank(period.tier)
    if theirs == mine and held.end is not None and (period.end is None or period.end > held.end):
        book.periods[-1] = replace(held, end=period.end, warned=period.warned)
    elif theirs > mine:
        tiers.adopt(book, replace(period, start=book.at))


def _join_names(book: Book, handed: Handed) -> None:
    for one in handed.names:
        book.waiting = [fact for fact in book.waiting if not _is_among(fact, one.names)]
        book.ahead = [fact for fact in book.ahead if not _is_among(fact, one.names)]
        book.early = tuple(fact for fact in book.early if not _is_among(fact, one.names))
        book.names = packed.together(book.names, one.names)
        if one.of != book.member:
            whose = book.whose()
            whose.names[one.of] = packed.together(whose.names.get(one.of, b""), one.names)


def _join_profiles(book: Book, handed: Handed) -> None:
    if not handed.profiles:
        return
    whose = book.whose()
    whose.profiles.setdefault("", book.profile)
    for one in handed.profiles:
        of = "" if one.of == book.member else one.of
        profile, known = dict(whose.profiles.get(of, {})), one.known
        before = profile.get(one.field)
        if before is None or (before.at, before.encoded) < (known.at, known.encoded):
            whose.profiles[of] = {**profile, one.field: known}
    book.profile = whose.combined()
    if whose.profiles.keys() == {""}:
        whose.profiles = {}
    plan_birthday(book, book.at)


def _join_order(book: Book, one: OrderOf) -> None:
    """An order of both is one order: what was told first by time holds, the other's points are taken back."""
    order = one.order
    known = next((found for found in book.orders if found.order_id == order.order_id), None)
    if known is None:
        _note(book, "order", order.order_id, one.of)
        book.orders.insert(bisect_right(book.orders, order.at, key=lambda found: found.at), order)
        _add_beside(book, one)
        return
    kept_owner = book.owner("order", known.order_id)
    beside = OrderOf(
        of=kept_owner or book.member,
        order=known,
        bonuses=tuple(bonus for bonus in book.bonuses if bonus.order_id == order.order_id),
        exempt=tuple(found for found in book.exempt if found.order_id == order.order_id),
        returned=tuple(found for found in book.returned if found[0] == order.order_id),
    )
    first, double = sorted((beside, one), key=lambda found: (found.order.at, found.of))
    _drop_beside(book, order.order_id)
    if book.apart is not None:
        book.apart.things.pop(f"order {order.order_id}", None)
    left = min(first.order.left, double.order.left)
    holds = first.order.refunded(first.order.left - left)
    _note(book, "order", order.order_id, first.of)
    book.orders.insert(bisect_right(book.orders, holds.at, key=lambda found: found.at), holds)
    _add_beside(book, first)
    points = double.order.points() + sum(bonus.kept for bonus in double.bonuses)
    points += first.order.points() - holds.points()
    if points:
        loser = double.of if double.of != book.member else ""
        entries.reverse_double(book, points, order.order_id, loser)


def _add_beside(book: Book, one: OrderOf) -> None:
    book.bonuses = (*book.bonuses, *one.bonuses)
    book.exempt = (*book.exempt, *one.exempt)
    book.returned = (*book.returned, *one.returned)


def _drop_beside(book: Book, order_id: str) -> None:
    book.orders = [order for order in book.orders if order.order_id != order_id]
    book.bonuses = tuple(bonus for bonus in book.bonuses if bonus.order_id != order_id)
    book.exempt = tuple(found for found in book.exempt if found.order_id != order_id)
    book.returned = tuple(found for found in book.returned if found[0] != order_id)


def _join_voucher(book: Book, one: VoucherOf, why: rules.Joining) -> None:
    """What paid for it are lots of the other ledger: each has one here that it can be given back into."""
    voucher = one.voucher
    pieces = []
    for piece in voucher.pieces:
        empty = structs.replace(piece, entry_id=f"{piece.entry_id} {voucher.code}", remaining=0)
        lot = entries.put_in(book, empty, why)
        _note(book, "lot", lot.entry_id, one.of)
        pieces.append(structs.replace(lot, points=piece.points, remaining=piece.remaining))
    here = voucher.model_copy(update={"pieces": tuple(pieces)})
    _note(book, "voucher", voucher.code, one.of)
    book.vouchers.append(here)
    if here.status == "open":  # of one that is closed the row says when: it stays as it is
        book.voucher_rows.append(VoucherRow(book.member, here))


def _is_among(fact: Told, names: bytes) -> bool:
    """Whether it was told of the other id too, and has taken effect there."""
    name = kept.named(fact)
    return bool(name and packed.among(name, (names,))[0])


def _join_told(book: Book, one: ToldOf) -> None:
    """A copy of what is known here has no effect."""
    if _is_among(one.fact, book.names):
        return
    name = kept.named(one.fact)
    book.names = packed.together(book.names, name)
    if one.of != book.member:
        whose = book.whose()
        whose.names[one.of] = packed.together(whose.names.get(one.of, b""), name)
    _note(book, "told", " ".join(one.fact.cause), one.of)
    match one.where:
        case "waiting":
            book.waiting.append(one.fact)
        case "ahead":
            book.ahead.insert(bisect_right(book.ahead, one.fact.at, key=lambda fact: fact.at), one.fact)
        case "early":
            book.early = (*book.early, one.fact)


def _waited_for(book: Book) -> set[str]:
    return {purchases.return_of(fact).order_id for fact in book.waiting}
