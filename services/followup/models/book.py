"""The book of messages."""

from collections.abc import Mapping
from datetime import date

from services.followup.domain.results.book import Account, Place, total
from shared.schemas.base import Frozen


class AccountAnswer(Frozen):
    """``planned`` = ``sent`` + ``suppressed`` + ``cancelled`` + ``failed`` + ``in_doubt`` + ``waiting`` +
    ``difference``."""

    planned: int
    """All that were made: announced, or decided about."""
    sent: int
    suppressed: int
    cancelled: int
    failed: int
    in_doubt: int
    """Nobody knows whether they were sent."""
    waiting: int
    """Not decided yet, or with the sender."""
    difference: int
    """0, or something is wrong."""


class RuleDayAnswer(AccountAnswer):
    """Messages of one rule that are due on one day."""

    rule: str
    """``manual`` for what was sent by hand, ``reply`` for what agents wrote."""
    day: date
    """In UTC."""


class BookAnswer(Frozen):
    """The book of the days from ``since`` until before ``until``."""

    since: date
    until: date
    balanced: bool
    """No rule and day has a difference."""
    total: AccountAnswer
    accounts: tuple[RuleDayAnswer, ...]
    """By day and rule."""


def book_answer(since: date, until: date, accounts: Mapping[Place, Account]) -> BookAnswer:
    return BookAnswer(
        since=since,
        until=until,
        balanced=not any(account.difference for account in accounts.values()),
        total=AccountAnswer(**_shown(total(accounts.values()))),
        accounts=tuple(
            RuleDayAnswer(rule=rule, day=date.fromisoformat(day), **_shown(account))
            for (rule, day), account in accounts.items()
        ),
    )


def _shown(account: Account) -> dict[str, int]:
    return {name: getattr(account, name) for name in AccountAnswer.model_fields}
