"""How loyalty's members are merged: the account opened, changed and closed again."""

from collections.abc import Callable
from typing import TypeAlias

from services.loyalty.domain import kept, members
from services.loyalty.domain.account.book import Book
from services.loyalty.domain.account.closing import close
from services.loyalty.domain.merging import joining, leaving
from services.loyalty.domain.merging.handed import Handed
from services.loyalty.domain.state import MemberState
from shared.domain import Context, Effects, Outcome
from shared.merging.course import Course, Left
from shared.schemas.commands.merging import GiveBack
from shared.schemas.customers import CustomerMerged
from shared.schemas.event import Event
from shared.schemas.feedback import ReferralMade

Opened: TypeAlias = Callable[[MemberState, Event, Context], Book]
"""The book as of an event: what fell due before it is done."""
DONE = Outcome()


def course_of(opened: Opened, judged: Callable[[Book], None]) -> Course[MemberState, Handed]:
    """``judged`` lets happen what was kept until more is known, and what is due by now."""

    def leave(state: MemberState, event: Event, context: Context) -> Left[MemberState, Handed]:
        assert isinstance(event.data, CustomerMerged)
        book = opened(state, event, context)
        handed = leaving.leave(book, event.data.into)
        return Left(close(book, DONE), handed)

    def join(state: MemberState, handed: Handed, event: Event, context: Context) -> Effects[MemberState]:
        book = opened(state, event, context)
        joining.join(book, handed)
        judged(book)
        return close(book, DONE)

    def give_back(
        state: MemberState, customers: frozenset[str], event: Event, context: Context
    ) -> Left[MemberState, Handed]:
        assert isinstance(event.data, GiveBack)
        book = opened(state, event, context)
        handed = leaving.give_back(book, customers, event.data.customer)
        return Left(close(book, DONE), handed)

    def home(state: MemberState, event: Event, context: Context) -> Effects[MemberState]:
        book = opened(state, event, context)
        joining.come_home(book)
        members.plan_birthday(book, book.at)
        return close(book, DONE)

    def tells(handed: Handed) -> tuple[str, ...]:
        invited = handed.invited
        named = [invited.referrer] if invited is not None and invited.referrer else []
        waits = (kept.data_of(one.fact) for one in handed.told)
        named += [data.referred_customer for data in waits if isinstance(data, ReferralMade)]
        return tuple(dict.fromkeys(named))

    return Course("loyalty", Handed, leave, join, give_back, home, tells=tells)
