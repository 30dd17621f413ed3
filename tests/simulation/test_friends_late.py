"""A member brings a friend, and one of them is erased: before, while and after both are rewarded, on another
partition. Nothing names them in the end, whoever dies in between, and the books hold."""

import random
from datetime import timedelta

import pytest

from services.loyalty.domain.rows import LEDGER, TOTALS
from shared.kafka.clients import Record
from shared.kafka.keys import partition_of
from shared.schemas.customers import CustomerErased
from shared.schemas.event import Event
from shared.schemas.feedback import ReferralMade
from shared.schemas.purchases import PurchaseMade
from tests.simulation.logs import record_of
from tests.simulation.patches import patched
from tests.simulation.scenario import BURST_SECONDS, BURSTS, LINES, Burst, Fault, Scenario
from tests.simulation.subject import JournalSubject
from tests.simulation.test_told_late import HERE, WHO
from tests.simulation.world import World
from tests.unit.journal.driver import START


def elsewhere(name: str) -> str:
    return next(key for n in range(99) if partition_of((key := f"{name}{n}-").encode(), 2) != HERE)


def bought(who: str, burst: int) -> Event:
    euros = {"amount": 9_000, "currency": "EUR"}
    data = {"order_id": f"o-{burst}-{who[-4:]}", "channel": "web", "total": euros, "items": []}
    at = START + timedelta(days=burst, hours=2)
    return Event(f"p{burst}{who[-4:]}", "/till", who, at, PurchaseMade.model_validate(data))


def told(burst: int) -> list[Record]:
    """They bring a friend, and another one brings them; friends buy in the next burst."""
    at = START + timedelta(days=burst)
    friend, referrer = elsewhere(f"friend{burst}"), elsewhere("referrer")
    events = [
        Event(f"r{burst}", "/shop", WHO, at, ReferralMade(referred_customer=friend)),
        Event(f"s{burst}", "/shop", referrer, at, ReferralMade(referred_customer=WHO)),
    ]
    if burst == 0:
        events = [bought(referrer, 0), *events[1:], bought(WHO, 1)]
    else:
        events.append(bought(elsewhere(f"friend{burst - 1}"), burst))
    return [record_of(event) for event in events]


def problems(seed: int) -> list[str]:
    chance = random.Random(seed)
    erased_in = chance.randrange(0, BURSTS - 1)
    bursts = [told(n) for n in range(BURSTS)]
    gone = Event(
        "e", "/admin", WHO, START + timedelta(days=erased_in, hours=chance.choice([1, 3])), CustomerErased()
    )
    bursts[erased_in].append(record_of(gone))
    faults = [
        Fault("kill", n * BURST_SECONDS, detail=chance.choice(LINES), after=chance.randrange(3), seconds=0.5)
        for n in range(BURSTS)
        if chance.random() < 0.3
    ]
    parts = tuple(Burst(tuple(records)) for records in bursts)
    size = chance.choice([2, 500])
    world = World(Scenario(seed, "loyalty", 2, chance.choice([1, 2, 3]), size, 500, parts, tuple(faults)))
    with patched(world.run, world.loop.time):
        world.loop.run_until_complete(world.play())
        world.store.closed = world.broker.closed = True
        found = [*world.problems, *world.watch.problems]
        world.loop.bury()
    assert isinstance(world.subject, JournalSubject)
    own = [collection.name for collection in world.subject.handler.collections]
    for name in ("state", "journal", "timers", "erasing", *own):
        for document in world.store.server.find(("rapport_loyalty", name), {}):
            found += [f"{name} {document} names them"] if WHO in str(document) else []
    rows = world.store.server.find(("rapport_loyalty", LEDGER), {})
    sums = world.store.server.find(("rapport_loyalty", TOTALS), {"key": "points"})
    counted = sum(n for one in sums for kind, n in one.items() if kind not in ("_id", "key", "debt"))
    # Their own entries are gone; what these came to was written off by one without a member.
    if sum(row["points"] for row in rows if row["member"]) != counted:
        found.append("the sums are not those of the ledger")
    return found


@pytest.mark.parametrize("seed", range(8))
def test_nothing_names_them_in_the_end(seed: int) -> None:
    assert problems(seed) == []
