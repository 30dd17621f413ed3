"""The demo's self-check: every member, read over HTTP, against the ledger and the recomputation."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rapport.demo.client import Client
from rapport.demo.oracle import Expected

_MOST_A_PAGE = 500
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
    """Reads every expected member. Raises Trouble if the API does not answer."""
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
    entries = client.items("loyalty", f"/members/{customer}/ledger?limit={_MOST_A_PAGE}")
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
