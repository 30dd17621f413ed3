"""Facts that are kept in the state as they were told, and become events again."""

from bisect import bisect_right

from services.loyalty.domain.account.book import Book
from services.loyalty.domain.state import Told
from shared.facts.names import name_of, with_name, without_name
from shared.schemas.base import Data
from shared.schemas.codec import encode_data
from shared.schemas.event import Event, extensions_of
from shared.schemas.times import Micros, day_of, micros, moment
from shared.schemas.topics import TYPES


def told(book: Book, at: Micros, data: Data) -> Told:
    """The fact that is being applied, as the state keeps it."""
    book.tag("told", f"{book.cause.source} {book.cause.id}")
    return Told(
        at=at,
        type=data.event_type,
        data=encode_data(data).decode(),
        extensions=book.extensions,
        cause=(book.cause.source, book.cause.id),
        origin=book.origin,
        heard_at=micros(book.context.now),
    )


def data_of(fact: Told) -> Data:
    """What the fact says."""
    return TYPES[fact.type].model_validate_json(fact.data)


def event_of(fact: Told, member: str) -> Event:
    """The fact as it was told."""
    source, id = fact.cause
    return Event(
        id, source, member, moment(fact.at), data_of(fact), extensions=extensions_of(fact.extensions)
    )


def named(fact: Told) -> bytes:
    """Its name, as names are packed; none where it has none."""
    name = name_of(event_of(fact, ""))
    return b"" if name is None else with_name(b"", name, day_of(fact.heard_at))


def drop_name(book: Book, fact: Told) -> None:
    """It never counts after all: what it is about is as if never heard of."""
    if name := name_of(event_of(fact, book.member)):
        book.names = without_name(book.names, name)


def keep_ahead(book: Book, fact: Told) -> None:
    """Until its time comes."""
    book.ahead.insert(bisect_right(book.ahead, fact.at, key=lambda kept: kept.at), fact)
