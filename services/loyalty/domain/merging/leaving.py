"""What goes: all of an account as its member is another by now, or what came by a merge that is undone."""

from collections.abc import Iterable

from services.loyalty.domain import kept, rules
from services.loyalty.domain.account import entries
from services.loyalty.domain.account.book import Book
from services.loyalty.domain.membership import Stayed, UsedCode
from services.loyalty.domain.merging import names as packed
from services.loyalty.domain.merging.handed import (
    Handed,
    LotOf,
    NamesOf,
    OrderOf,
    PendingOf,
    ProfileOf,
    ToldOf,
    VoucherOf,
)
from services.loyalty.domain.state import Order, Told


def leave(book: Book, into: str) -> Handed:
    """All of it goes; the book is empty then, but for what the member has again should they part."""
    why = rules.Joining(rule="merged", other=into)
    scalars = {
        "debt": book.debt,
        "enrolled_at": book.enrolled_at,
        "period": book.periods[-1] if book.periods else None,
        "bought_at": book.bought_at,
        "invited": book.invited,
        "birthday_given_at": book.birthday_given_at,
        "told_at": book.told_at,
        "told_until": book.told_until,
        "campaigns": book.campaigns,
        "referrals": book.referrals,
    }
    stayed = Stayed(
        enrolled_at=book.enrolled_at,
        periods=tuple(book.periods),
        bought_at=book.bought_at,
        invited=book.invited,
        birthday_given_at=book.birthday_given_at,
    )
    whose = book.whose()
    whose.profiles.setdefault("", book.profile)
    whose.names[""] = packed.among(book.names, whose.names.values())[1]
    going = {"", *whose.things.values(), *whose.profiles, *whose.names, *whose.lifetime, *whose.credited}
    going |= {_whose(book, one) for one in book.used_codes}
    handed = _handed(book, going, why, owed=book.debt)
    # The entry has taken the balance out of the lifetime points; the rest goes beside it.
    lifetime = {**whose.lifetime, book.member: book.lifetime - sum(whose.lifetime.values())}
    beside = tuple((customer, points) for customer, points in sorted(lifetime.items()) if points)
    handed = handed.model_copy(update={**scalars, "other": book.member, "lifetime": beside})
    _empty(book)
    book.apart = None
    book.whose().stayed = stayed
    return handed


def give_back(book: Book, customers: frozenset[str], to: str) -> Handed:
    """What came of these customers, or was told of them since, goes to the one who is another after all."""
    whose = book.whose()
    left = sum(x.remaining for x in book.lots.active if book.owner("lot", x.entry_id) in customers)
    came = sum(points for customer, points in whose.credited.items() if customer in customers)
    missing = max(0, came - left)
    why = rules.Joining(rule="unmerged", other=to, missing=missing)
    handed = _handed(book, customers, why)
    lifetime = tuple(sorted((c, whose.lifetime.pop(c)) for c in customers if c in whose.lifetime))
    book.lifetime -= sum(points for _, points in lifetime)
    for customer in customers:
        whose.credited.pop(customer, None)
    told = {"other": book.member, "home": True, "missing": missing, "lifetime": lifetime}
    return handed.model_copy(update=told)


def _handed(book: Book, customers: Iterable[str], why: rules.Joining, *, owed: int = 0) -> Handed:
    """Take out what is of these customers, each thing with whose it is."""
    wanted = frozenset(customers)

    def of(thing: str, name: str) -> str | None:
        owner = book.owner(thing, name)
        return (owner or book.member) if owner in wanted else None

    pending = [(of("lot", p.lot.entry_id), p) for p in book.pending]
    lots = [(of("lot", lot.entry_id), lot) for lot in book.lots.active]
    orders = [(of("order", order.order_id), order) for order in book.orders]
    vouchers = [(of("voucher", voucher.code), voucher) for voucher in book.vouchers]
    handed = Handed(
        lots=tuple(LotOf(of=owner, lot=lot) for owner, lot in lots if owner),
        pending=tuple(PendingOf(of=owner, pending=p) for owner, p in pending if owner),
        orders=tuple(_order_of(book, owner, order) for owner, order in orders if owner),
        vouchers=tuple(VoucherOf(of=owner, voucher=voucher) for owner, voucher in vouchers if owner),
        told=(
            *_told_of(book, "waiting", book.waiting, wanted),
            *_told_of(book, "ahead", book.ahead, wanted),
            *_told_of(book, "early", book.early, wanted),
        ),
        names=tuple(_names_of(book, wanted)),
        profiles=tuple(_profiles_of(book, wanted)),
        used=tuple(one for one in book.used_codes if _whose(book, one) in wanted),
        campaigns=_campaigns_of(book, {order.order_id for owner, order in orders if owner}),
    )
    going = [lot for owner, lot in lots if owner]
    if going or owed or why.missing:
        entries.take_all(book, going, why, owed=owed)
    book.pending = [p for owner, p in pending if not owner]
    book.orders = [order for owner, order in orders if not owner]
    gone = {order.order_id for owner, order in orders if owner}
    book.bonuses = tuple(bonus for bonus in book.bonuses if bonus.order_id not in gone)
    book.returned = tuple(one for one in book.returned if one[0] not in gone)
    book.exempt = tuple(one for one in book.exempt if one.order_id not in gone)
    book.vouchers = [voucher for owner, voucher in vouchers if not owner]
    book.used_codes = tuple(one for one in book.used_codes if _whose(book, one) not in wanted)
    told = {" ".join(one.fact.cause) for one in handed.told}
    book.waiting = [fact for fact in book.waiting if " ".join(fact.cause) not in told]
    book.ahead = [fact for fact in book.ahead if " ".join(fact.cause) not in told]
    book.early = tuple(fact for fact in book.early if " ".join(fact.cause) not in told)
    return handed


def _whose(book: Book, used: UsedCode) -> str:
    """As ``Book.owner``."""
    return "" if used.of == book.member else used.of


def _order_of(book: Book, owner: str, order: Order) -> OrderOf:
    its = order.order_id
    return OrderOf(
        of=owner,
        order=order,
        bonuses=tuple(bonus for bonus in book.bonuses if bonus.order_id == its),
        exempt=tuple(one for one in book.exempt if one.order_id == its),
        returned=tuple(one for one in book.returned if one[0] == its),
    )


def _told_of(book: Book, where: str, facts: Iterable[Told], wanted: frozenset[str]) -> Iterable[ToldOf]:
    for fact in facts:
        owner = book.owner("told", " ".join(fact.cause))
        if owner in wanted:
            yield ToldOf.model_validate({"of": owner or book.member, "where": where, "fact": fact})


def _names_of(book: Book, wanted: frozenset[str]) -> Iterable[NamesOf]:
    whose = book.whose()
    # Names of what waits go with it: of the others it is known that they took effect.
    waits = b"".join(kept.named(fact) for fact in (*book.waiting, *book.ahead, *book.early))
    for owner in sorted(whose.names.keys() & wanted):
        found, book.names = packed.among(book.names, (whose.names.pop(owner),))
        found = packed.among(found, (waits,))[1]
        yield from (NamesOf(of=owner or book.member, names=some) for some in packed.chunks(found))


def _profiles_of(book: Book, wanted: frozenset[str]) -> Iterable[ProfileOf]:
    whose = book.whose()
    going = sorted(whose.profiles.keys() & wanted)
    for owner in going:
        profile = whose.profiles.pop(owner)
        for field, known in sorted(profile.items()):
            yield ProfileOf(of=owner or book.member, field=field, known=known)
    if going:
        book.profile = whose.combined()
    if whose.profiles.keys() == {""}:
        whose.profiles = {}


def _campaigns_of(book: Book, orders: set[str]) -> tuple[tuple[str, int], ...]:
    """What campaigns gave for orders that go, which counts for their caps elsewhere from now on."""
    going: dict[str, int] = {}
    for bonus in book.bonuses:
        if bonus.order_id in orders:
            going[bonus.campaign] = going.get(bonus.campaign, 0) + bonus.kept
    capped = dict(book.campaigns)
    given = {name: min(points, capped[name]) for name, points in going.items() if name in capped}
    left = {name: points - given.get(name, 0) for name, points in capped.items()}
    book.campaigns = tuple((name, points) for name, points in left.items() if points)
    return tuple(given.items())


def _empty(book: Book) -> None:
    """What is left where all has gone."""
    book.enrolled_at = book.bought_at = book.invited = None
    book.periods, book.campaigns, book.referrals = [], (), ()
    book.anniversary_at = book.birthday_at = book.birthday_given_at = None
    book.told_at, book.told_until, book.lifetime = None, 0, 0
    book.names, book.profile = b"", {}
