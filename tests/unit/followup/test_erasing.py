"""Who is erased gets nothing more, whatever was under way; what must not be written to stays so."""

from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from services.followup.domain.rows import COLLECTION, UNWANTED
from services.followup.domain.state import Customer
from services.followup.sending.unwanted import Unwanted
from shared.schemas.commands.followup import DeliveryReported
from shared.schemas.commands.receipts import ReceiptReported
from shared.schemas.customers import CustomerErased, CustomerMerged, ErasureLifted
from shared.schemas.event import Event
from shared.schemas.outreach import OutreachCancelled, OutreachSuppressed

from .driver import HOUR, Driver, granted, profile, purchase, reachable, refusal, written
from .mailserver import Database, FakeRuntime, Inbox, free_port, row, sender_of, smtp_server, statuses
from .merged import NEW, OLD, THANKS, balanced, tell, world

COMPLAINED = "ada@example.org"


def complained() -> Driver:
    """A message went, and its reader has called it unwanted; then they were erased."""
    driver = reachable(Driver())
    driver.event(purchase())
    driver.after(3 * HOUR)
    (mail,) = driver.sent
    driver.event(ReceiptReported(outreach_id=mail["_id"], what="complained"))
    driver.event(CustomerErased())
    return driver


def test_in_any_order_and_however_often_nothing_comes_back() -> None:
    facts = [profile(), granted(), purchase(), CustomerErased()]
    for order in permutations(enumerate(facts)):
        driver = Driver()
        for number, fact in (*order, *order):
            driver.event(fact, id=f"f-{number}")
        driver.event(purchase("o-2"))
        driver.after(timedelta(days=100))
        assert driver.worker.states == {}
        assert not driver.timers
        assert not driver.sent
        assert "Ada" not in str(driver.rows)


def test_what_is_reported_after_it_is_no_effect() -> None:
    driver = reachable(Driver(instant=False))
    driver.event(purchase())
    driver.after(3 * HOUR)
    (on_its_way,) = driver.rows
    driver.event(CustomerErased())
    told = len(driver.emitted)
    for status in ("sent", "in_doubt", "failed"):
        late = DeliveryReported.model_validate({"outreach_id": on_its_way, "status": status, "attempt": 1})
        assert refusal(driver, late).status == 410
    assert len(driver.emitted) == told
    assert driver.statuses() == ["cancelled"]


@pytest.mark.parametrize("instant", [False, True])
def test_what_was_under_way_to_one_who_is_erased_meanwhile_is_cancelled(instant: bool) -> None:
    driver = world(written(THANKS), instant=False)
    tell(driver, OLD, purchase("o-1"))
    if not instant:
        driver.after(3 * HOUR)
        assert driver.statuses() == ["ready"]
    tell(driver, NEW, CustomerErased())
    tell(driver, OLD, CustomerMerged(into=NEW, reason="the same phone"))
    assert driver.statuses() == ["cancelled"]
    assert OLD not in str(driver.worker.rows(COLLECTION))
    assert driver.deliver() == 0


def test_one_whom_an_earlier_version_marked_is_erased_by_the_next_event() -> None:
    driver = Driver()
    effects = driver._apply(
        Customer(customer_id="c-1", erased=True),
        Event("e", "/test", "c-1", driver.now, purchase()),
        None,  # type: ignore[arg-type]  # nothing is asked of it
    )
    assert effects.erase
    assert effects.emits == ()


def test_a_lift_of_nobody_s_erasure_is_nothing() -> None:
    driver = reachable(Driver())
    before = driver.state
    driver.event(ErasureLifted())
    assert driver.state is before


def test_a_suppressed_address_stays_so_by_a_hash_that_names_nobody() -> None:
    (kept,) = complained().worker.rows(UNWANTED)
    assert kept.keys() == {"_id", "why"}
    assert kept["why"] == "complained"
    assert "ada" not in str(kept)


async def test_the_sender_keeps_from_it_and_the_new_customer_is_known_so(
    database: Database, runtime: FakeRuntime, inbox: Inbox
) -> None:
    old = complained()
    await database[UNWANTED].delete_many({})
    await database[UNWANTED].insert_many(old.worker.rows(UNWANTED))
    to: dict[str, Any] = {"name": "Ada", "address": COMPLAINED}
    rows = [row("again", to=to), row("owed", to=to, purpose="service"), row("other")]
    await database[COLLECTION].insert_many(rows)
    port = free_port()
    async with smtp_server(inbox, port):
        await sender_of(runtime, port, unwanted=Unwanted(database, old.policy.erased_by)).round()
    assert len(inbox.messages) == 2
    reports = [event.data for event in runtime.published if isinstance(event.data, DeliveryReported)]
    told = {one.outreach_id: one for one in reports}
    assert told["again"].error == "unwanted: complained"
    assert (await statuses(database))["again"] == "sending"

    driver = reachable(Driver(instant=False))
    driver.event(purchase())
    driver.after(3 * HOUR)
    driver.deliver("failed", error=told["again"].error)
    driver.event(purchase("o-2"))
    driver.after(timedelta(days=40))
    driver.deliver()
    assert {fact.reason for fact in driver.facts(OutreachSuppressed)} == {"address_suppressed"}
    assert driver.sent == []
    assert driver.facts(OutreachCancelled) == []


def test_merged_ones_go_together_and_the_book_balances() -> None:
    driver = world(written(THANKS))
    tell(driver, OLD, purchase("o-1"), CustomerMerged(into=NEW, reason="the same phone"))
    tell(driver, NEW, purchase("o-2"), CustomerErased())
    assert set(driver.worker.store.gone) == {OLD, NEW}
    assert balanced(driver)
