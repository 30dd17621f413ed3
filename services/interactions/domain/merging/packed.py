"""Names and orders, which are bytes: those of two customers as those of one."""

from collections.abc import Iterator, Mapping

from services.interactions.domain.activity.kept import Purchases, Spend
from services.interactions.domain.state import altered
from shared.facts import order_book
from shared.facts.names import NAME_BYTES

_DAY = slice(12, 14)


def entries(packed: bytes, size: int) -> Iterator[tuple[bytes, bytes]]:
    """Each entry's key, and the entry, in their order."""
    for place in range(0, len(packed), size):
        yield packed[place : place + 8], packed[place : place + size]


def names_joined(one: bytes, other: bytes) -> bytes:
    """Each name once, by the day on which it was heard; of two ``one``'s holds."""
    known = {**dict(entries(other, NAME_BYTES)), **dict(entries(one, NAME_BYTES))}
    return _by_day(known)


def _by_day(known: Mapping[bytes, bytes]) -> bytes:
    """In the order of the days on which they were heard, as those that are old go from the beginning."""

    found: list[bytes] = sorted(known.values(), key=lambda entry: entry[_DAY])
    return b"".join(found)


def shared_names(one: bytes, other: bytes) -> set[bytes]:
    """The keys that both have."""
    return dict(entries(one, NAME_BYTES)).keys() & dict(entries(other, NAME_BYTES)).keys()


def purchases_joined(one: Purchases, other: Purchases) -> Purchases:
    """An order that was told of both is one, counted once, and what was given back of it in either is given
    back of it. Of that only what is left of an order is known: where it was told in both that the same was
    given back, bought and given back are both more by that, and what was kept is right."""
    mine = dict(entries(one.book, order_book.SIZE))
    book, twice, spend = dict(mine), 0, list[Spend](one.spend)
    for key, entry in entries(other.book, order_book.SIZE):
        if key not in mine:
            book[key] = entry
            continue
        twice += 1
        first, second = (order_book.left_of(packed, key) for packed in (mine[key], entry))
        assert first is not None
        assert second is not None
        book[key] = min(mine[key], entry, key=lambda packed: (packed[-8:], packed[_DAY]))
        total = max(first.amount, second.amount)
        spend.append(Spend(currency=first.currency, purchased=-total))
    return altered(
        one,
        count=one.count + other.count - twice,
        returns=one.returns + other.returns,
        first_at=min((at for at in (one.first_at, other.first_at) if at is not None), default=None),
        last_at=max((at for at in (one.last_at, other.last_at) if at is not None), default=None),
        spend=_sums((*spend, *other.spend)),
        book=_by_day(book),
    )


def shared_orders(one: Purchases, other: Purchases) -> int:
    """How many orders were told of both."""
    keys = (dict(entries(each.book, order_book.SIZE)).keys() for each in (one, other))
    return len(next(keys) & next(keys))


def with_what_is_left(part: Purchases, whole: Purchases) -> Purchases:
    """The part's orders, less what was given back of them as the whole knows."""
    left = dict(entries(whole.book, order_book.SIZE))
    book = (
        min(entry, left.get(key, entry), key=lambda packed: packed[-8:])
        for key, entry in entries(part.book, order_book.SIZE)
    )
    return altered(part, book=b"".join(book))


def _sums(spend: tuple[Spend, ...]) -> tuple[Spend, ...]:
    sums: dict[str, Spend] = {}
    for one in spend:
        old = sums.get(one.currency)
        sums[one.currency] = (
            one
            if old is None
            else altered(old, purchased=old.purchased + one.purchased, refunded=old.refunded + one.refunded)
        )
    return tuple(sums.values())
