"""What is left in doubt: marketing is never tried again, service is, under one name, a few times, in time."""

from datetime import UTC, datetime, timedelta

import pytest

from services.followup.domain.doubts import MOST_DOUBTS
from services.followup.domain.rows import COLLECTION, REPEATS
from shared.schemas.commands.followup import DeliveryReported, OutreachRequested
from shared.schemas.commands.receipts import ReceiptReported
from shared.schemas.event import Event
from shared.schemas.outreach import (
    OutreachBounced,
    OutreachCancelled,
    OutreachDelivered,
    OutreachFailed,
    OutreachSent,
)

from .driver import DAY, HOUR, Driver, policy, reachable, refusal, reopened, rules, solved
from .mailserver import Database, FakeRuntime, Inbox, free_port, row, sender_of, smtp_server

NOTE = OutreachRequested(template="note", variables={"subject": "Hello", "message": "It is ready."})
NEWS = OutreachRequested(template="news", variables={"subject": "Hello", "message": "It is new."})


def asked(what: OutreachRequested = NOTE) -> tuple[Driver, str]:
    """A message that is with the sender, and its id."""
    driver = reachable(Driver(instant=False))
    driver.event(what)
    (id,) = driver.rows
    return driver, id


def report(driver: Driver, id: str, status: str, attempt: int) -> None:
    data = DeliveryReported.model_validate(
        {
            "outreach_id": id,
            "status": status,
            "attempt": attempt,
            "error": None if status == "sent" else status,
        }
    )
    driver.worker.send(Event(f"{id}-{attempt}", "/sender", driver.customer, driver.now, data)).accepted()


def orders(driver: Driver) -> list[tuple[str, int]]:
    return [(one["_id"], one["attempt"]) for one in driver.worker.rows(REPEATS)]


def test_service_in_doubt_is_on_its_way_still_and_then_sent() -> None:
    driver, id = asked()
    report(driver, id, "in_doubt", 1)
    assert orders(driver) == [(id, 1)]
    (order,) = driver.worker.rows(REPEATS)
    assert order["not_before"] == driver.now + timedelta(minutes=1)
    assert driver.rows[id]["status"] == "ready"  # the sender's to change: it has the text
    assert not driver.facts(OutreachFailed)
    report(driver, id, "sent", 2)
    shown = driver.rows[id]
    assert (shown["status"], shown["attempt"], shown["doubts"]) == ("sent", 2, 1)
    (sent,) = driver.facts(OutreachSent)
    assert (sent.outreach_id, sent.attempt) == (id, 2)


def test_marketing_in_doubt_never_goes_again() -> None:
    driver, id = asked(NEWS)
    report(driver, id, "in_doubt", 1)
    assert orders(driver) == []
    assert driver.rows[id]["status"] == "in_doubt"
    assert len(driver.facts(OutreachFailed)) == 1


@pytest.mark.parametrize(("kind", "again"), [(None, True), ("service", True), ("marketing", False)])
def test_a_rule_may_say_that_it_is_marketing(kind: str | None, again: bool) -> None:
    shipped = rules()
    changed = tuple(
        rule.model_copy(update={"class_": kind}) if rule.name == "complaint-check" else rule
        for rule in shipped.rules
    )
    driver = reachable(Driver(policy(shipped.model_copy(update={"rules": changed})), instant=False))
    solved(driver)
    driver.after(2 * DAY + HOUR)
    (id,) = [id for id, one in driver.rows.items() if one["rule"] == "complaint-check"]
    report(driver, id, "in_doubt", 1)
    assert orders(driver) == ([(id, 1)] if again else [])


def test_it_is_tried_a_few_times_only() -> None:
    driver, id = asked()
    for attempt in range(1, MOST_DOUBTS + 1):
        assert not driver.facts(OutreachFailed)
        report(driver, id, "in_doubt", attempt)
    assert (driver.rows[id]["status"], driver.rows[id]["doubts"]) == ("in_doubt", MOST_DOUBTS - 1)
    assert len(driver.facts(OutreachFailed)) == 1
    assert orders(driver) == [(id, MOST_DOUBTS - 1)]


def test_it_is_not_tried_when_it_would_be_stale() -> None:
    driver, id = asked()
    driver.after(3 * DAY)
    report(driver, id, "in_doubt", 1)
    assert driver.rows[id]["status"] == "in_doubt"


@pytest.mark.parametrize("then", ["failed", "stale", "rate_limited", "address_suppressed: no"])
def test_a_later_refusal_does_not_say_that_the_first_did_not_arrive(then: str) -> None:
    driver, id = asked()
    report(driver, id, "in_doubt", 1)
    data = DeliveryReported.model_validate(
        {"outreach_id": id, "status": "failed", "attempt": 2, "error": then}
    )
    driver.worker.send(Event(f"{id}-2", "/sender", driver.customer, driver.now, data)).accepted()
    assert driver.rows[id]["status"] == "in_doubt"
    assert len(driver.facts(OutreachFailed)) == 1


def test_a_report_that_was_on_its_way_comes_before_the_doubt() -> None:
    """Both have one id: whoever is first is heard."""
    driver, id = asked()
    report(driver, id, "sent", 1)
    data = DeliveryReported.model_validate({"outreach_id": id, "status": "in_doubt", "attempt": 1})
    driver.worker.send(Event(f"{id}-1", "/sender", driver.customer, driver.now, data))
    assert orders(driver) == []
    assert driver.rows[id]["status"] == "sent"


def test_what_was_taken_back_is_not_tried_again() -> None:
    driver = reachable(Driver(instant=False))
    solved(driver)
    driver.after(2 * DAY + HOUR)
    (id,) = [id for id, one in driver.rows.items() if one["rule"] == "complaint-check"]
    report(driver, id, "in_doubt", 1)
    assert orders(driver) == [(id, 1)]
    driver.event(reopened())
    assert len(driver.facts(OutreachCancelled)) == 1
    report(driver, id, "in_doubt", 2)
    assert driver.rows[id]["status"] == "cancelled"


@pytest.mark.parametrize("first", ["delivered", "in_doubt"])
def test_a_service_message_in_doubt_that_is_heard_of_had_arrived(first: str) -> None:
    """It is not tried again, whichever of the two is told first."""
    driver, id = asked()
    heard = ReceiptReported(outreach_id=id, what="delivered")
    for what in (first, "in_doubt" if first == "delivered" else "delivered"):
        if what == "in_doubt":
            report(driver, id, "in_doubt", 1)
        else:
            driver.event(heard)
    assert driver.rows[id]["status"] == "sent"
    assert len(driver.facts(OutreachSent)) == len(driver.facts(OutreachDelivered)) == 1
    assert not driver.facts(OutreachFailed)


async def test_the_sender_tries_again_under_the_same_name(
    database: Database, inbox: Inbox, runtime: FakeRuntime
) -> None:
    await database[REPEATS].delete_many({})
    await database[COLLECTION].insert_many([row("a", purpose="service"), row("b", purpose="service")])
    inbox.hang_up_at_data = True
    port = free_port()
    async with smtp_server(inbox, port):
        sender = sender_of(runtime, port, connections=1)
        while len(runtime.reports) < 2:
            await sender.round()
        (doubtful,) = [id for id, status in runtime.reports if status == "in_doubt"]
        now = datetime.now(UTC)
        order = {"_id": doubtful, "customer": f"c-{doubtful}", "channel": "email", "attempt": 1}
        await database[REPEATS].insert_one({**order, "not_before": now + timedelta(minutes=1)})
        sender._next_doubt = 0.0
        await sender.round()
        assert len(runtime.reports) == 2  # not yet
        await database[REPEATS].update_one({"_id": doubtful}, {"$set": {"not_before": now}})
        sender._next_doubt = 0.0
        await sender.round()
    assert runtime.reports[-1] == (doubtful, "sent")
    assert runtime.published[-1].id == f"{doubtful}-2"
    names = [message["Message-ID"] for message in inbox.messages]
    assert names.count(f"<{doubtful}@store.example>") == 2
    assert len(names) == 3
    assert await database[REPEATS].find({}).to_list() == []


async def test_an_order_for_what_has_ended_does_nothing(
    database: Database, inbox: Inbox, runtime: FakeRuntime
) -> None:
    await database[REPEATS].delete_many({})
    now = datetime.now(UTC)
    await database[COLLECTION].insert_many(
        [row("a", status="cancelled", attempt=1), row("b", status="sending", attempt=2, claimed_at=now)]
    )
    orders = [
        {"_id": id, "customer": f"c-{id}", "channel": "email", "attempt": 1, "not_before": now} for id in "ab"
    ]
    await database[REPEATS].insert_many(orders)
    port = free_port()
    async with smtp_server(inbox, port):
        await sender_of(runtime, port).round()
    assert not inbox.messages
    assert await database[REPEATS].find({}).to_list() == []


def test_what_a_server_refuses_after_a_doubt_costs_the_address_too() -> None:
    driver, id = asked()
    report(driver, id, "in_doubt", 1)
    again = DeliveryReported(outreach_id=id, status="failed", attempt=2, error="550 no", code="5.1.1")
    driver.worker.send(Event(f"{id}-2", "/sender", driver.customer, driver.now, again)).accepted()
    assert [fact.code for fact in driver.facts(OutreachBounced)] == ["5.1.1"]
    assert driver.rows[id]["status"] == "in_doubt"
    assert refusal(driver, NOTE).code == "address_suppressed"
