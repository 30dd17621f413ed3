"""Facts that are kept in the state as they were told until they can be judged: those of the future until
their time comes, and purchases of one who may have joined until the joining is heard of."""

from services.loyalty.domain import kept, purchases, rewards
from services.loyalty.domain.account.book import Book
from services.loyalty.domain.state import Told
from shared.schemas.base import Data
from shared.schemas.complaints import CompensationGranted
from shared.schemas.feedback import ReferralMade
from shared.schemas.loyalty import MemberEnrolled
from shared.schemas.purchases import PurchaseMade, PurchaseReturned
from shared.schemas.times import DAY, Micros

CAN_WAIT = PurchaseMade | PurchaseReturned | CompensationGranted | MemberEnrolled | ReferralMade
"""What waits for its time. A profile is folded by time anyway, and a command is done when it is asked for."""
JOINING_WAITS: Micros = 30 * DAY
MOST_EARLY = 50
"""How long, and how many, purchases of one who is no member are kept."""


def keep_for_its_time(book: Book, at: Micros, data: Data) -> None:
    """It takes effect when its time comes. What it can be refused for now it is: a return takes its part of
    the order now, as in all services. Vouchers that a purchase used are used, by their validity of now."""
    fact = kept.told(book, at, data)
    match data:
        case PurchaseMade():
            purchases.check_made(book.program(at), data)
            for code in data.voucher_codes:
                rewards.use(book, book.at, code, data)
        case PurchaseReturned():
            purchases.check_returned(data)
            fact = fact.model_copy(update={"counted": purchases.would_count(book, data)})
    kept.keep_ahead(book, fact)


def keep_for_joining(book: Book, fact: Told) -> None:
    """The latest few, for a while."""
    edge = fact.heard_at - JOINING_WAITS
    young = [known for known in book.early if known.heard_at >= edge]
    latest = (*young, fact)[-MOST_EARLY:]
    for known in book.early:
        if known not in latest:
            kept.drop_name(book, known)
    book.early = latest
