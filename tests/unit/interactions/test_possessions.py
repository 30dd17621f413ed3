"""Products that the customer owns, and messages that followup plans next."""

from datetime import timedelta
from itertools import permutations

import pytest

from services.interactions.domain.state import MAX_PLANNED, MAX_PRODUCTS
from shared.journal.testing import InMemoryWorker
from shared.schemas.outreach import (
    OutreachCancelled,
    OutreachData,
    OutreachFailed,
    OutreachScheduled,
    OutreachSent,
    OutreachSuppressed,
)
from shared.schemas.purchases import ProductRegistered

from .told import CUSTOMER, HANDLER, START, at, event, fold


def piece(name: str, days: int = 0, **more: int) -> ProductRegistered:
    bought = START - timedelta(days=100 - days)
    return ProductRegistered.model_validate(
        {"product_id": name, "sku": "kettle", "purchased_at": bought, **more}
    )


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_products_the_one_bought_last_first_whatever_is_heard_first(order: tuple[int, ...]) -> None:
    told = [event(piece(f"p-{n}", n), f"e-{n}", n) for n in range(3)]
    state = fold([told[n] for n in order])
    assert [p.product_id for p in state.products] == ["p-2", "p-1", "p-0"]
    assert state.counts == {"purchases": 3}


def test_a_product_registered_again_is_a_copy_and_with_other_data_a_dead_letter() -> None:
    worker = InMemoryWorker(HANDLER, now=START)
    worker.send(event(piece("p-1", maintenance_every_days=90), "e-1"))
    worker.send(event(piece("p-1", maintenance_every_days=90), "e-2", 5))
    worker.send(event(piece("p-1", maintenance_every_days=30), "e-3", 6))
    state = worker.state(CUSTOMER)
    assert [(p.product_id, p.maintenance_every_days) for p in state.products] == [("p-1", 90)]
    assert [row.get("note") is None for row in worker.rows("timeline")] == [True, False]
    assert [dead.code for dead in worker.dead_letters] == ["duplicate_product"]
    assert state.counts == {"purchases": 1}


def test_of_too_many_products_those_bought_last_are_kept() -> None:
    told = [event(piece(f"p-{n}", n), f"e-{n}") for n in range(MAX_PRODUCTS + 5)]
    kept = {p.product_id for p in fold(told[::-1]).products}
    assert (
        kept == {p.product_id for p in fold(told).products} == {f"p-{n}" for n in range(5, MAX_PRODUCTS + 5)}
    )


def scheduled(name: str, due: float) -> OutreachScheduled:
    return OutreachScheduled(outreach_id=name, rule="hello", channel="email", due_at=at(due), attempt=0)


_DROPPED = {"outreach_id": "o-1", "rule": "hello", "reason": "no_consent"}
_TRIED = {"outreach_id": "o-1", "rule": "hello", "channel": "email", "due_at": at(9), "attempt": 1}
ENDS: list[OutreachData] = [
    OutreachSent.model_validate(_TRIED),
    OutreachFailed.model_validate(_TRIED),
    OutreachSuppressed.model_validate(_DROPPED),
    OutreachCancelled.model_validate(_DROPPED),
]


@pytest.mark.parametrize("end", ENDS)
def test_a_message_is_planned_until_an_end_of_it_is_told(end: OutreachData) -> None:
    told = [event(scheduled("o-1", 9), "e-1"), event(scheduled("o-2", 5), "e-2")]
    assert [p.outreach_id for p in fold(told).planned] == ["o-2", "o-1"]
    assert [p.outreach_id for p in fold([*told, event(end, "e-3", 9)]).planned] == ["o-2"]


def test_a_message_planned_anew_has_its_new_time() -> None:
    told = [event(scheduled("o-1", 9), "e-1"), event(scheduled("o-1", 20), "e-2", 1)]
    assert [p.due_at for p in fold(told).planned] == [fold(told[1:]).planned[0].due_at]


def test_of_too_many_planned_those_due_first_are_shown() -> None:
    told = [event(scheduled(f"o-{n:03}", n), f"e-{n}") for n in range(MAX_PLANNED + 3)]
    assert [p.outreach_id for p in fold(told[::-1]).planned] == [f"o-{n:03}" for n in range(MAX_PLANNED)]


def test_an_end_of_what_was_never_planned_changes_nothing_but_the_count() -> None:
    state = fold([event(ENDS[0], "e-1")])
    assert (state.planned, state.counts) == ((), {"outreach": 1})
