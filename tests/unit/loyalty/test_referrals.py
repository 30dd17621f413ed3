"""Referrals between customers whose states have different writers."""

from collections import defaultdict
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain import RefusedError
from shared.schemas.base import Data
from shared.schemas.commands.loyalty import MemberEnrolRequested
from shared.schemas.feedback import ReferralMade

from .account import PLAIN, Account, day


class Town:
    """Accounts by customer; what one passes on to another is delivered when ``deliver`` is called."""

    def __init__(self, program: Any = PLAIN) -> None:
        self.program = program
        self.accounts: dict[str, Account] = {}
        self.mail: list[tuple[str, datetime, Data]] = []
        self.refused: dict[str, list[str]] = defaultdict(list)

    def __getitem__(self, customer: str) -> Account:
        return self.accounts.setdefault(customer, Account(self.program, customer=customer))

    def refer(self, at: float, referrer: str, friend: str) -> None:
        self[referrer].apply(day(at), ReferralMade(referred_customer=friend))
        self.collect(referrer)

    def buy(self, at: float, customer: str, cents: int = 1_000) -> None:
        self[customer].buy(at, cents, f"{customer}-{self[customer].count}")
        self.collect(customer)

    def collect(self, customer: str) -> None:
        self.mail += self[customer].passed_on
        self[customer].passed_on.clear()

    def deliver(self) -> None:
        while self.mail:
            to, at, command = self.mail.pop(0)
            try:
                self[to].apply(at, command)
            except RefusedError as refusal:
                self.refused[to].append(refusal.code)
            self.collect(to)

    def referral_points(self, customer: str) -> int:
        return sum(row["points"] for row in self[customer].ledger if row["reason"] == "referral")


def test_both_get_points_at_the_friends_first_purchase() -> None:
    town = Town()
    town.buy(0, "ann")
    town.refer(1, "ann", "ben")
    town.deliver()
    assert town.referral_points("ann") == 0
    town.buy(2, "ben")
    town.deliver()
    assert (town["ann"].balance, town["ben"].balance) == (260, 260)
    assert town["ann"].ledger[-1]["at"] == town["ben"].ledger[-1]["at"] == day(2)
    assert town["ann"].ledger[-1]["expires_at"] == day(367)
    town.buy(3, "ben")
    town.deliver()
    assert (town["ann"].balance, town["ben"].balance) == (260, 270)


def test_nobody_refers_themselves() -> None:
    town = Town()
    with pytest.raises(RefusedError, match="self_referral") as refusal:
        town.refer(0, "ann", "ann")
    assert (refusal.value.status, refusal.value.field) == (422, "referred_customer")


def test_a_member_cannot_be_referred() -> None:
    town = Town()
    for customer in ("ann", "ben"):
        town.buy(0, customer)
    town["cal"].apply(day(0), MemberEnrolRequested())
    for friend in ("ben", "cal"):
        town.refer(1, "ann", friend)
        town.deliver()
        town.buy(2, friend)
        town.deliver()
        assert town.refused[friend] == ["existing_member"]
        assert town.referral_points(friend) == 0
    assert town.referral_points("ann") == 0


def test_the_first_to_refer_is_the_one() -> None:
    town = Town()
    town.buy(0, "ann")
    town.buy(0, "bob")
    town.refer(1, "ann", "cal")
    town.refer(1.5, "bob", "cal")
    town.deliver()
    town.buy(2, "cal")
    town.deliver()
    assert [town.referral_points(c) for c in ("ann", "bob", "cal")] == [250, 0, 250]
    assert town.refused["cal"] == ["already_referred"]


def test_the_twenty_first_friend_of_a_year_brings_nothing_to_either() -> None:
    town = Town()
    town.buy(0, "ann")
    for number in range(21):
        town.refer(1 + number, "ann", f"f{number}")
        town.deliver()
        town.buy(1.5 + number, f"f{number}")
        town.deliver()
    assert town.referral_points("ann") == 20 * 250
    assert [town.referral_points(f"f{n}") for n in (19, 20)] == [250, 0]
    assert town.refused["ann"] == ["referral_limit"]
    town.refer(366.4, "ann", "late")
    town.deliver()
    town.buy(366.5, "late")  # a year after the first: there is room for one again
    town.deliver()
    assert town.referral_points("late") == 250


def test_a_purchase_of_nothing_is_no_first_purchase() -> None:
    town = Town()
    town.buy(0, "ann")
    town.refer(1, "ann", "ben")
    town.deliver()
    town.buy(2, "ben", 0)
    town.deliver()
    assert town.referral_points("ann") == 0
    town.buy(3, "ben", 100)
    town.deliver()
    assert (town.referral_points("ann"), town.referral_points("ben")) == (250, 250)


def test_a_referrer_who_is_no_member_gets_nothing_and_nor_does_the_friend() -> None:
    town = Town()
    town.refer(1, "ann", "ben")
    town.deliver()
    town.buy(2, "ben")
    town.deliver()
    assert town.refused["ann"] == ["unknown_member"]
    assert town.referral_points("ben") == 0


def test_a_program_without_referrals_lets_them_pass() -> None:
    town = Town(PLAIN.model_copy(update={"referral": None}))
    town.refer(1, "ann", "ben")
    assert town.mail == []


@given(st.permutations(["refer", "deliver", "bought before", "deliver"]))
def test_who_bought_before_is_no_new_customer_in_whatever_order_it_is_heard(order: list[str]) -> None:
    town = Town()
    town.buy(0, "ann")
    for step in order:
        match step:
            case "refer":
                town.refer(5, "ann", "ben")
            case "bought before":
                town.buy(5, "ben")  # up to and including the referral's instant is before
            case _:
                town.deliver()
    town.deliver()
    town.buy(7, "ben")
    town.deliver()
    assert (town.referral_points("ann"), town.referral_points("ben")) == (0, 0)


@given(st.permutations(["refer", "deliver", "buy", "deliver", "again"]))
def test_topics_read_side_by_side_come_to_the_same(order: list[str]) -> None:
    """The friend's purchase may be heard of before the referral that was made before it."""
    town = Town()
    town.buy(0, "ann")
    for step in order:
        match step:
            case "refer":
                town.refer(1, "ann", "ben")
            case "buy":
                town.buy(2, "ben")
            case "again":
                town.buy(3, "ben")
            case _:
                town.deliver()
    town.deliver()
    assert (town.referral_points("ann"), town.referral_points("ben")) == (250, 250)
