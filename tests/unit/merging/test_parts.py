"""What is cut into parts, relayed and opened."""

from datetime import timedelta

import pytest

from shared.journal.testing import START, InMemoryWorker
from shared.merging.parts import divided
from shared.schemas.commands.loyalty import VoucherRedeemRequested
from shared.schemas.customers import CustomerMerged
from shared.schemas.event import Event
from shared.schemas.feedback import ReviewPosted
from tests.unit.merging.purse import Coin, Handed, handler


@pytest.mark.parametrize("most", [100, 1000, 900_000])
def test_parts_hold_all_of_it_in_its_order(most: int) -> None:
    coins = tuple(Coin(name=f"coin {n}", of="a" * (n % 50)) for n in range(200))
    parts = divided(Handed(coins=coins), most)
    assert tuple(coin for part in parts for coin in part.coins) == coins
    assert all(len(part.model_dump_json()) <= max(most, 200) for part in parts)
    assert divided(Handed()) == (Handed(),)


def test_a_command_for_an_old_id_is_answered_where_the_survivor_is() -> None:
    worker = InMemoryWorker(handler())
    worker.tell("a", CustomerMerged(into="b", reason="r"))
    asked = Event("k-1", "/api/loyalty/till/x", "a", START, VoucherRedeemRequested(voucher_code="V"))
    outcome = worker.send(asked).outcome
    assert outcome is not None
    assert (outcome.status, outcome.body["merged_into"]) == (308, "b")
    assert worker.store.outcomes[outcome.body["uid"]].body == {"by": "b", "code": "V"}
    assert worker.send(asked).outcome == outcome  # a retry


def test_a_fact_told_of_the_survivor_too_is_a_copy_of_the_relayed_one() -> None:
    worker = InMemoryWorker(handler())
    worker.tell("a", CustomerMerged(into="b", reason="r"))
    for who in ("a", "b", "a"):
        worker.send(Event("e", "/shop", who, START + timedelta(hours=1), ReviewPosted(sku="s", rating=5)))
    assert [coin.of for coin in worker.state("b").coins] == ["a"]
    assert worker.state("a").coins == ()


def test_into_itself_or_back_is_no_merge() -> None:
    worker = InMemoryWorker(handler("interactions"))
    worker.tell("a", CustomerMerged(into="a", reason="r"))
    worker.tell("a", CustomerMerged(into="b", reason="r"), at=START)
    worker.tell("b", CustomerMerged(into="a", reason="r"), at=START + timedelta(hours=1))
    assert [dead.code for dead in worker.dead_letters] == ["merge_cycle", "merge_cycle"]
    assert worker.state("b").merging.ids == ("a",)  # type: ignore[union-attr]  # it was merged into
