"""A customer's orders, 26 bytes each: what is left of each, so that its returns count as far as they may.

An entry is found by the hash of the order's name in one search through the bytes, and kept as long as names
are (``shared.facts.names``), in the order in which the orders were heard.
"""

from struct import Struct
from typing import NamedTuple

from shared.facts.names import KEEP_DAYS, Heard, Name, place_of
from shared.schemas.base import Money

_ENTRY = Struct(">8s4sHHHQ")
"""The name's hash, that of what was told, the day it was heard, the currency, lines, what is left."""
SIZE = _ENTRY.size
_KEY, _TOLD, _DAY, _LEFT = 8, 12, 14, SIZE - 8
_MOST_LINES = 2**16 - 1


class Left(NamedTuple):
    """What is left of an order, in minor units of ``currency``."""

    place: int
    """Where its entry begins."""
    currency: str
    lines: int
    amount: int


def heard(book: bytes, name: Name) -> Heard:
    """What the book knows of an order."""
    at = place_of(book, name.key, SIZE)
    if at is None:
        return Heard.NEW
    return Heard.SAME if book[at + _KEY : at + _TOLD] == name.told else Heard.OTHER


def with_order(book: bytes, name: Name, day: int, total: Money, lines: int) -> bytes:
    """With one more, heard on ``day`` (counted from 1970), and without those heard too long before it."""
    start = 0
    while start < len(book) and int.from_bytes(book[start + _TOLD : start + _DAY]) < day - KEEP_DAYS:
        start += SIZE
    kept = book[start:] if start else book
    lines = min(lines, _MOST_LINES)
    return kept + _ENTRY.pack(name.key, name.told, day, _number(total.currency), lines, total.amount)


def left_of(book: bytes, key: bytes) -> Left | None:
    """What is left of the order whose name has this hash; None for one not known."""
    at = place_of(book, key, SIZE)
    if at is None:
        return None
    *_, currency, lines, amount = _ENTRY.unpack_from(book, at)
    return Left(at, _code(currency), lines, amount)


def refunded(book: bytes, order: Left, amount: int) -> bytes:
    """After a refund of no more than what is left."""
    place = order.place + _LEFT
    return book[:place] + (order.amount - amount).to_bytes(8) + book[place + 8 :]


def _number(currency: str) -> int:
    """Three capitals as a number of two bytes."""
    first, second, third = currency.encode()
    return (first - 65) * 676 + (second - 65) * 26 + third - 65


def _code(number: int) -> str:
    rest, third = divmod(number, 26)
    first, second = divmod(rest, 26)
    return bytes((first + 65, second + 65, third + 65)).decode()
