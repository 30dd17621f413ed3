"""Facts that are kept in the state as they were told until they can be judged: those of the future until
their time comes, and purchases of one who may have joined until the joining is heard of."""

from bisect import bisect_right

from services.loyalty.domain import purchases, rewards
from services.loyalty.domain.account.book import Book
from services.loyalty.domain.state import Told
from shared.schemas.complaints import CompensationGranted
from shared.schemas.event import Event
from shared.schemas.feedback import ReferralMade
from shared.schemas.loyalty import MemberEnrolled
from shared.schemas.purchases import PurchaseMade, PurchaseReturned
from shared.schemas.times import DAY, Micros, micros, moment
from shared.schemas.topics import TYPES

CAN_WAIT = PurchaseMade | PurchaseReturned | CompensationGranted | MemberEnrolled | ReferralMade
"""What waits for its time. A profile is folded by time anyway, and a command is done when it is asked for."""
JOINING_WAITS: Micros = 30 * DAY
MOST_EARLY = 50
"""How long, and how many, purchases of one who is no member are kept."""


def told(book: Book, event: Event, now: Micros) -> Told:
    """The fact as the state keeps it."""
    return Told(
        at=micros(event.time),
        type=event.type,
        data=event.data.model_dump_json(),
        cause=(event.source, event.id),
        origin=book.origin,
        heard_at=now,
    )


def event_of(fact: Told, member: str) -> Event:
    """The fact as it was told."""
    source, id = fact.cause
    return Event(id, source, member, moment(fact.at), TYPES[fact.type].model_validate_json(fact.data))


def keep_for_its_time(book: Book, event: Event, now: Micros) -> None:
    """It takes effect when its time comes. What it can be refused for now it is, and the vouchers that a
    purchase used are used from now on."""
    fact, data = told(book, event, now), event.data
    match data:
        case PurchaseMade():
            purchases.check_made(book.program(fact.at), data)
            for code in data.voucher_codes:
                rewards.use(book, book.at, code, data)
        case PurchaseReturned():
            purchases.check_returned(data)
    book.ahead.insert(bisect_right(book.ahead, fact.at, key=lambda kept: kept.at), fact)


def keep_for_joining(book: Book, fact: Told) -> None:
    """The latest few, for a while."""
    edge = fact.heard_at - JOINING_WAITS
    kept = [known for known in book.early if known.heard_at >= edge]
    book.early = (*kept, fact)[-MOST_EARLY:]
