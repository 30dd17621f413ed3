"""A draft over a recording does what the service would: the same as its worker, by the test kit."""

from collections import Counter
from datetime import datetime, timedelta
from random import Random

import pytest

from rapport.rules.run import Run
from rapport.rules.stream import Heard
from rapport.simulate.memory import Arrival
from services.followup.domain.rows import COLLECTION
from services.followup.domain.state import Customer
from services.followup.worker import handler_of
from services.loyalty.config import load
from shared.domain import Effects, Put
from shared.journal.testing import InMemoryWorker
from shared.schemas.commands import Command
from shared.schemas.commands.followup import DeliveryReported
from shared.schemas.event import Event
from shared.schemas.loyalty import MemberEnrolled
from tests.unit.followup.driver import (
    NOON,
    Driver,
    granted,
    opened,
    policy,
    profile,
    purchase,
    reopened,
    resolved,
    returned,
    tier,
)
from tests.unit.rules.recordings import bought, joined, told

END = NOON + timedelta(days=200)
YEAR = NOON + timedelta(days=400)


def history(seed: int) -> list[Arrival]:
    """Three customers and half a year of what may happen, some of it told twice or at the same instant."""
    draw = Random(seed)
    found: list[Arrival] = [told(0, profile(email=f"{c}@example.org"), c) for c in ("c-1", "c-2", "c-3")]
    for _ in range(80):
        at, customer = (
            draw.choice((draw.random() * 150, float(draw.randrange(150)))),
            f"c-{draw.randint(1, 3)}",
        )
        order, case = f"o-{draw.randint(1, 30)}", f"k-{draw.randint(1, 5)}"
        data = draw.choice(
            (
                purchase(order),
                purchase(order),
                returned(order),
                granted(word=draw.random() < 0.8),
                opened(case),
                resolved(case),
                reopened(case),
                tier(draw.choice(("silver", "gold"))),
            )
        )
        time, event = told(at, data, customer)
        assert event is not None
        if draw.random() < 0.1:
            time += timedelta(hours=draw.randint(1, 100))  # it is reported late
        found.append((time, event))
    return sorted(found, key=lambda one: one[0])


def by_worker(arrivals: list[Arrival]) -> Counter[tuple[object, ...]]:
    """What the service's worker, with a sender that sends at once, tells."""
    worker = InMemoryWorker(handler_of(policy()), now=NOON)
    taken: set[str] = set()

    def send() -> None:
        while ready := [
            r for r in worker.rows(COLLECTION) if r["status"] == "ready" and r["_id"] not in taken
        ]:
            for row in ready:
                taken.add(row["_id"])
                data = DeliveryReported(outreach_id=row["_id"], status="sent", attempt=1)
                worker.send(Event(f"{row['_id']}-1", "/sender", row["customer"], worker.now, data))

    def until(at: datetime) -> None:
        while (timer := next(iter(worker.timers()), None)) is not None and timer.due_at <= at:
            worker.advance(max(worker.now, timer.due_at))
            send()

    for at, event in arrivals:
        assert event is not None
        until(at)
        worker.advance(max(worker.now, at))
        worker.send(event)
        send()
    until(END)
    return Counter(
        (e.subject, e.data.event_type, e.time, getattr(e.data, "rule", ""), getattr(e.data, "reason", ""))
        for e in worker.emitted
        if not isinstance(e.data, Command)  # about products, which a run keeps to itself
    )


def by_run(arrivals: list[Arrival]) -> Counter[tuple[object, ...]]:
    told: Counter[tuple[object, ...]] = Counter()

    def watch(at: object, event: Event, before: object, effects: Effects[Customer]) -> None:
        for emit in effects.emits:
            data = emit.data
            if isinstance(data, Command):
                continue
            reason = getattr(data, "reason", "")
            told[event.subject, data.event_type, emit.time, getattr(data, "rule", ""), reason] += 1

    run = Run(policy(), watch)
    for at, event in arrivals:
        assert event is not None
        run.take(at, event)
    run.fire(END)
    assert run.fault is None
    return told


@pytest.mark.parametrize("seed", range(12))
def test_what_is_told_is_what_the_service_would_tell(seed: int) -> None:
    arrivals = history(seed)
    found = by_run(arrivals)
    assert found == by_worker(arrivals)
    assert len(found) > 10


def test_the_program_beside_tells_what_no_recording_has() -> None:
    arrivals = [*joined(), bought(1), bought(40)]
    heard = Heard(arrivals, load(), until=YEAR)
    facts = [event.data for _, event in heard]
    assert any(isinstance(data, MemberEnrolled) for data in facts)
    assert heard.events == len(arrivals)
    assert heard.told == len(facts) - len(arrivals) > 2
    times = [at for at, _ in Heard(arrivals, load(), until=YEAR)]
    assert times == sorted(times)
    assert times[-1] > NOON + timedelta(days=41)  # what time alone brings, up to the end


def test_only_the_customers_asked_for_are_heard() -> None:
    arrivals = [*joined("c-1"), *joined("c-2"), bought(1, "c-2")]
    heard = Heard(arrivals, only={"c-2"})
    assert {event.subject for _, event in heard} == {"c-2"}
    assert (heard.events, heard.first, heard.end) == (5, NOON, NOON + timedelta(days=1))


def test_a_bug_in_the_rules_is_told_and_does_not_end_the_run() -> None:
    run = Run(policy())
    _, event = bought(0)
    assert event is not None
    run.refused(event, "unhandled", KeyError("x"))
    assert (run.refusals, run.fault) == (1, "KeyError: 'x'")


def test_rows_of_the_driver_and_of_the_run_agree() -> None:
    driver = Driver()
    sent: list[str] = []

    def watch(at: object, event: Event, before: object, effects: Effects[Customer]) -> None:
        sent.extend(
            r.document["rule"] for r in effects.rows if isinstance(r, Put) and r.document["status"] == "sent"
        )

    run = Run(policy(), watch)
    for at, event in [*joined(), bought(0.5)]:
        assert event is not None
        driver.until(at)
        driver.event(event.data)
        run.take(at, event)
    driver.until(END)
    run.fire(END)
    assert sent == [row["rule"] for row in driver.sent] == ["thank-you", "win-back"]
