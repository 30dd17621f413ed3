"""Loyalty's members are erased, come back, and are told of again: what seeds found, as runs of their own."""

from datetime import timedelta

from shared.schemas.base import Data
from shared.schemas.complaints import CompensationGranted
from shared.schemas.customers import CustomerErased, ErasureLifted
from shared.schemas.event import Event
from shared.schemas.purchases import PurchaseMade, PurchaseReturned
from tests.simulation.logs import record_of
from tests.simulation.scenario import BURST_SECONDS, Burst, Fault, Scenario
from tests.simulation.world import play
from tests.unit.journal.driver import START


def told(day: int, data: Data, customer: str = "c0") -> Event:
    """On that day; told of twice it is the same event."""
    name = f"{customer}-{day}-{type(data).__name__}"
    return Event(name, "/till", customer, START + timedelta(days=day), data)


def bought(order: str, cents: int) -> PurchaseMade:
    total = {"amount": cents, "currency": "EUR"}
    return PurchaseMade.model_validate({"order_id": order, "channel": "web", "total": total, "items": []})


def returned(order: str, cents: int) -> PurchaseReturned:
    refund = {"amount": cents, "currency": "EUR"}
    back = {"order_id": order, "return_id": f"r-{order}", "refund": refund, "items": []}
    return PurchaseReturned.model_validate(back)


def problems(bursts: list[list[Event]], *faults: Fault, batch_size: int = 500) -> list[str]:
    """One partition, two workers. ``bursts`` come one after the other."""
    parts = tuple(Burst(tuple(record_of(event) for event in burst)) for burst in bursts)
    return play(Scenario(1, "loyalty", 1, 2, batch_size, 500, parts, faults)).problems


def test_what_was_refused_and_comes_again_after_the_erasure_is_no_dead_letter_then() -> None:
    too_much = told(3, returned("o-1", 9_000))
    first = [told(1, bought("o-1", 5_000)), too_much, told(5, CustomerErased())]
    assert problems([first, [too_much]]) == []


def test_an_erasure_that_is_told_again_after_the_lift_erases_again() -> None:
    erased = told(2, CustomerErased())
    lives = [told(1, bought("o-1", 5_000)), erased], [told(3, ErasureLifted()), told(4, bought("o-2", 700))]
    assert problems([*lives, [erased]]) == []


def test_what_is_told_of_the_erased_moves_the_clock_for_who_is_told_of_in_the_same_step() -> None:
    early = told(3, bought("o-1", 5_000), "c1")
    points = told(300, CompensationGranted(complaint_id="k", kind="points", points=5), "c1")
    first = [told(1, ErasureLifted()), told(2, CustomerErased())]
    assert problems([first, [told(200, bought("o-2", 700)), early, points]]) == []


def test_a_worker_that_dies_behind_a_lift_and_an_erasure_leaves_them_to_nobody_else() -> None:
    died = Fault("kill", BURST_SECONDS, detail="after the transaction", seconds=0.5)
    again = [told(3, ErasureLifted()), told(4, bought("o-2", 700)), told(5, CustomerErased())]
    for batch_size in (2, 3, 500):
        assert problems([[told(1, bought("o-1", 5_000))], again], died, batch_size=batch_size) == []
