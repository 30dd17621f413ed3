"""Whether an order that was deleted is there again, by what comes, and when."""

from datetime import timedelta
from itertools import permutations

import pytest

from services.interactions.domain.orders.presence import is_told
from services.interactions.domain.orders.state import Order
from shared.schemas.commands.orders import OrderDeleteRequested
from shared.schemas.purchases import PurchaseMade, PurchaseReturned

from .test_orders import KEY, START, TEA, Worker, account, bought, returned
from .test_orders import shop as shop

DAY = 24 * 60


def deleted(shop: Worker, minutes: float) -> None:
    """Heard so many minutes after the start."""
    shop.tell(KEY, OrderDeleteRequested(), at=START + timedelta(minutes=minutes))


def net(shop: Worker) -> int:
    return sum(amount for _, amount in bought(shop)) - sum(one[2] for one in returned(shop))


def play(shop: Worker, *happens: str) -> int:
    """``gone 10`` is a deletion that is heard after 10 minutes, ``back 9`` one restored and ``saved 9`` one
    saved after 9."""
    shop.tell(KEY, account(0, TEA))
    for what, minutes in (one.split() for one in happens):
        if what == "gone":
            deleted(shop, float(minutes))
        else:
            void = what == "cancelled"
            shop.tell(KEY, account(int(minutes), TEA, restored=what == "back", void=void))
    return net(shop)


def test_deleted_and_restored(shop: Worker) -> None:
    assert play(shop, "gone 10") == 0
    assert returned(shop) == [("1001", "1001:edit:1", 2997, {"tea": 3})]
    assert play(shop, "back 12") == 2997
    assert bought(shop)[1:] == [("1001:edit:2", 2997)]
    assert [item.sku for item in shop.facts(PurchaseMade)[1].items] == ["tea"]
    times = [one.time for one in shop.emitted if isinstance(one.data, PurchaseMade | PurchaseReturned)]
    assert times == [START, START, START + timedelta(minutes=12)]


@pytest.mark.parametrize(
    ("happens", "there"),
    [
        ("gone 10, saved 16", True),  # the word that it is restored is lost
        ("gone 10, saved 15", False),  # the shop's clock may be ahead
        ("gone 10, saved 9", False),
        ("saved 16, gone 10", True),  # the deletion was a dead letter meanwhile
        ("gone 10, saved 16, gone 20", False),
        ("gone 10, saved 16, gone 20, saved 26", True),
        ("gone 10, cancelled 16", False),
        ("gone 10, cancelled 16, saved 17", True),
        ("gone 10, back 10", True),  # undone at once
        ("back 10, gone 11", True),  # and they overtook each other
        ("back 10, gone 70", True),
        ("back 10, gone 71", False),  # too late to be the one
        ("back 10, gone 11, gone 12", False),
        ("back 10, gone 71, saved 77", True),
        ("gone 10, back 10, gone 13", False),  # deleted again
        ("gone 10, back 10, gone 13, back 10", False),  # the same by another webhook
        ("gone 10, back 10, gone 13, back 9", False),
        ("gone 10, back 10, gone 13, back 13", True),
        ("gone 10, back 10, gone 10", True),  # a copy of it
        ("gone 10, back 10, gone 9", True),
        (f"gone {DAY + 10}, back 10", True),  # the shop told late
        (f"gone {DAY + 11}, back 10", False),  # of an earlier deletion
        ("back 10, back 10, gone 11, gone 12", False),
        ("gone 10, saved 16, back 16, gone 30", False),  # what took it back was heard before the word
        ("gone 10, back 16, saved 16, gone 30", False),
        ("gone 10, saved 20, back 20, gone 75", False),
        ("gone 10, back 12, back 13, gone 20", False),  # restored by two accounts
    ],
)
def test_what_is_there(shop: Worker, happens: str, there: bool) -> None:
    assert play(shop, *happens.split(", ")) == (2997 if there else 0)


@pytest.mark.parametrize("order", list(permutations(("gone 10", "back 16", "gone 3000", "back 3006"))))
def test_any_order_of_what_was_minutes_apart_comes_to_the_same(shop: Worker, order: tuple[str, ...]) -> None:
    assert play(shop, *order) == 2997


@pytest.mark.parametrize("order", list(permutations(("gone 10", "back 11", "gone 3000", "saved 2900"))))
def test_an_order_that_is_gone_is_so_in_any_order(shop: Worker, order: tuple[str, ...]) -> None:
    assert play(shop, *order) == 0


def test_one_that_was_deleted_before_its_time_was_kept_waits_for_the_word() -> None:
    gone = Order(key=KEY, deleted=True)
    told = account(10**6, TEA).order
    assert is_told(gone, told, restored=False).deleted
    assert not is_told(gone, told, restored=True).deleted
