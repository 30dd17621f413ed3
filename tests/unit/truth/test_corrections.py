"""An order or a return put right under the id of a dead letter takes effect in all services, whichever
refused it."""

import random
from collections.abc import Sequence
from datetime import timedelta

import pytest

from shared.schemas.base import Data
from shared.schemas.customers import ConsentChanged, CustomerUpdated
from shared.schemas.event import Event
from shared.schemas.purchases import PurchaseReturned

from .histories import START, Told
from .telling import PACES, agree, back, dead, order, orders_of, rows, worlds
from .world import World


def test_an_order_told_twice_was_another_order() -> None:
    for world in worlds(
        ("wh-1", order("o-1", 10_000)), ("wh-2", order("o-1", 12_000)), ("wh-2", order("o-2", 12_000))
    ):
        assert dead(world) == ["duplicate_order"]
        agree(world, {"o-1": 10_000, "o-2": 12_000})
        assert "before" not in rows(world)["wh-2"]


def test_the_bad_event_itself_told_again_stays_bad_and_the_good_one_counts_once() -> None:
    bad, good = ("wh-2", order("o-1", 12_000), 9), ("wh-2", order("o-2", 12_000), 9)
    for world in worlds(("wh-1", order("o-1", 10_000)), bad, bad, good, bad, good):
        agree(world, {"o-1": 10_000, "o-2": 12_000})


def test_a_copy_is_no_dead_letter_and_its_id_is_taken() -> None:
    for world in worlds(
        ("wh-1", order("o-1", 10_000)), ("wh-2", order("o-1", 10_000)), ("wh-2", order("o-2", 12_000))
    ):
        assert dead(world) == []
        agree(world, {"o-1": 10_000})


@pytest.mark.parametrize("name", ["r-1", "r-2"])
def test_a_return_of_too_much_is_put_right(name: str) -> None:
    told: list[tuple[str, Data]] = [
        ("wh-1", order("o-1", 10_000)),
        ("wh-2", back("r-1", "o-1", 60_000)),
        ("wh-2", back(name, "o-1", 6_000)),
    ]
    for world in worlds(*told):
        assert dead(world) == ["refund_exceeds_total"]
        agree(world, {"o-1": 4_000})
    early: Sequence[tuple[str, Data]] = (told[1], told[0], told[2])  # it waits for its order
    for world in worlds(*early):
        assert dead(world) == ["refund_exceeds_total"]
        agree(world, {"o-1": 4_000})


def test_an_order_can_be_returned_for_as_long_in_every_service() -> None:
    made, back_at = START, START + timedelta(days=760)
    for pace in PACES:
        history = [
            Told(Event("e-1", "/shop", "ann", made, order("o-1", 10_000)), made),
            Told(Event("e-2", "/shop", "ann", back_at, back("r-1", "o-1", 4_000)), back_at),
        ]
        world = World(history, random.Random(pace))
        assert dead(world) == []
        assert orders_of(world) == [{"o-1": 6_000}, {"o-1": 6_000}, {"count": 1, "left": 6_000}]


def thanks(world: World) -> set[str]:
    """The orders that followup says thanks for, or would if others were not before them."""
    state = world.workers["followup"].state("ann")
    messages = (*state.planned, *state.waiting, *(one for one in state.in_flight if not one.cancelled))
    return {one.key.partition(":")[2] for one in messages if one.bill}


def test_followup_thanks_for_the_order_put_right_and_not_for_what_went_back() -> None:
    allowed = ConsentChanged(purpose="marketing", channel="email", granted=True)
    mail = CustomerUpdated.model_validate({"email": "ann@example.com"})
    first = (("c-1", allowed), ("c-2", mail), ("wh-1", order("o-1", 10_000)))
    for world in worlds(*first, ("wh-2", order("o-1", 12_000)), ("wh-2", order("o-2", 12_000))):
        assert thanks(world) == {"o-1", "o-2"}
    for world in worlds(*first, ("wh-2", back("r-1", "o-1", 60_000))):
        assert thanks(world) == {"o-1"}
    for world in worlds(*first, ("wh-2", back("r-1", "o-1", 60_000)), ("wh-2", back("r-1", "o-1", 10_000))):
        assert thanks(world) == set()


def test_a_return_in_another_currency_is_put_right() -> None:
    for world in worlds(
        ("wh-1", order("o-1", 10_000)),
        ("wh-2", back("r-1", "o-1", 5_000, "USD")),
        ("wh-2", back("r-1", "o-1", 5_000)),
    ):
        assert dead(world) == ["currency_mismatch"]
        agree(world, {"o-1": 5_000})


def test_a_return_told_otherwise_was_another_return() -> None:
    for world in worlds(
        ("wh-1", order("o-1", 10_000)),
        ("wh-2", back("r-1", "o-1", 5_000)),
        ("wh-3", back("r-1", "o-1", 2_000)),
        ("wh-3", back("r-2", "o-1", 2_000)),
    ):
        assert dead(world) == ["duplicate_return"]
        agree(world, {"o-1": 3_000})


def test_a_return_that_waited_and_lost_was_another_return() -> None:
    for world in worlds(
        ("wh-2", back("r-1", "o-1", 5_000)),
        ("wh-3", back("r-1", "o-1", 2_000)),
        ("wh-1", order("o-1", 10_000)),
        ("wh-3", back("r-2", "o-1", 2_000)),
    ):
        assert dead(world) == ["duplicate_return"]
        agree(world, {"o-1": 3_000})


def test_a_return_that_waits_is_a_copy_whatever_its_source_added() -> None:
    plain = back("r-1", "o-1", 5_000)
    item = {"sku": "tea", "quantity": 1}
    lines = [plain.model_dump() | {"items": [item | more]} for more in ({}, {"shelf": 7})]
    first, second = (PurchaseReturned.model_validate(fields) for fields in lines)
    for world in worlds(("wh-2", first), ("wh-3", second), ("wh-3", order("o-2", 9_000))):
        assert rows(world)["wh-3"].startswith("It was told before")
        assert len(world.workers["interactions"].state("ann").held) == 1
        assert len(world.workers["loyalty"].state("ann").waiting) == 1


def test_a_return_that_waits_is_not_replaced_and_counts_once() -> None:
    wait = ("wh-2", back("r-1", "o-1", 5_000), 1)
    for world in worlds(
        wait,
        ("wh-2", order("o-2", 9_000)),
        wait,
        ("wh-1", order("o-1", 10_000)),
        ("wh-2", order("o-2", 9_000)),
        wait,
    ):
        assert dead(world) == []
        agree(world, {"o-1": 5_000})
