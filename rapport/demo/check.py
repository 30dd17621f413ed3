"""The demo's self-check: every member, read over HTTP, against the ledger and the recomputation."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from rapport.client import Client
from rapport.demo.oracle import Expected
from rapport.demo.tally import Moment
from rapport.replay.feed import SPAN

_MOST_PER_PAGE = 500
WIN_BACK = "win-back"
WIN_BACK_AFTER = timedelta(days=60)
"""The default rules' message to a customer who has bought nothing for so long."""
_KINDS = {"earned": 1, "reversed": -1, "redeemed": -1, "expired": -1}
"""Kinds of ledger entries that the recomputation knows, with their sign in the ledger."""


@dataclass(frozen=True, slots=True)
class Account:
    """A member as the API shows them."""

    customer: str
    balance: int
    tier: str
    kinds: Counter[str]
    """The ledger's points by kind, signed as they are there."""

    @property
    def ledger(self) -> int:
        return sum(self.kinds.values())


@dataclass(frozen=True, slots=True)
class Difference:
    customer: str
    what: str
    platform: str
    expected: str


@dataclass(frozen=True, slots=True)
class Checked:
    accounts: list[Account]
    differences: list[Difference]


def check(client: Client, expected: Mapping[str, Expected]) -> Checked:
    """Reads every expected member. Raises TroubleError if the API does not answer."""
    read = client.map(lambda customer: read_account(client, customer), expected)
    differences = [
        difference
        for (customer, wanted), account in zip(expected.items(), read, strict=True)
        for difference in compare(customer, account, wanted)
    ]
    return Checked([account for account in read if account is not None], differences)


def read_account(client: Client, customer: str) -> Account | None:
    """None: the platform knows no such member."""
    status, member = client.call("GET", "loyalty", f"/members/{customer}")
    if status == 404:
        return None
    entries = client.items("loyalty", f"/members/{customer}/ledger?limit={_MOST_PER_PAGE}")
    return account_of(customer, member, entries)


def account_of(customer: str, member: Mapping[str, Any], entries: list[Mapping[str, Any]]) -> Account:
    kinds: Counter[str] = Counter()
    for entry in entries:
        kinds[entry["kind"]] += entry["points"]
    return Account(customer, member["balance"], member["tier"], kinds)


def compare(customer: str, account: Account | None, wanted: Expected) -> list[Difference]:
    """Where the account is not as expected; empty when all is well."""
    if account is None:
        return [Difference(customer, "member", "none", wanted.tier)]
    pairs: list[tuple[str, object, object]] = [
        ("balance", account.balance, wanted.balance),
        ("sum of the ledger", account.ledger, wanted.balance),
        ("tier", account.tier, wanted.tier),
    ]
    for kind, sign in _KINDS.items():
        pairs.append((f"points {kind}", sign * account.kinds[kind], getattr(wanted, kind)))
    for kind in sorted(set(account.kinds) - set(_KINDS)):
        pairs.append((f"points {kind}", account.kinds[kind], 0))
    return [
        Difference(customer, what, str(found), str(right)) for what, found, right in pairs if found != right
    ]


def untimely(
    bought: Mapping[str, Sequence[datetime]], moments: Mapping[str, Sequence[Moment]]
) -> list[Difference]:
    """Win-back messages to customers who had just bought: a timer fired before the records that are
    earlier than it. Purchases less than a chunk of the replay before are let pass: the log itself may
    hold topics in that order."""
    return [
        Difference(
            customer, "win-back message", f"due {moment.due:%Y-%m-%d %H:%M}", f"bought {at:%Y-%m-%d %H:%M}"
        )
        for customer, all_ in moments.items()
        for moment in all_
        if moment.what == "sent" and moment.detail == WIN_BACK and moment.due is not None
        for at in [max((p for p in bought.get(customer, ()) if p < moment.due - SPAN), default=None)]
        if at is not None and at > moment.due - WIN_BACK_AFTER
    ]
