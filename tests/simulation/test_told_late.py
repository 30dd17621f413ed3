"""What teams and shops tell of a customer before, while and long after they are erased, on another partition:
nothing of it names them in the end, whoever dies in between."""

import random
from datetime import timedelta

import pytest

from shared.kafka.clients import Record
from shared.kafka.keys import partition_of
from shared.schemas.commands.orders import OrderTellRequested
from shared.schemas.customers import CustomerErased, CustomerRegistered
from shared.schemas.event import Event
from shared.schemas.teams import StoryTold, TaskOpened
from tests.simulation.logs import record_of
from tests.simulation.patches import patched
from tests.simulation.scenario import BURST_SECONDS, BURSTS, LINES, Burst, Fault, Scenario
from tests.simulation.subject import JournalSubject
from tests.simulation.world import World
from tests.unit.interactions.orders.test_orders import TEA, account
from tests.unit.journal.driver import START

WHO = "marked-customer"
HERE = partition_of(WHO.encode(), 2)


def elsewhere(name: str) -> str:
    """A key of that beginning on the other partition."""
    return next(key for n in range(99) if partition_of((key := f"{name}{n}").encode(), 2) != HERE)


def told(burst: int) -> list[Record]:
    """Of a task, of praise, and of orders of which one is paid."""
    at, team = START + timedelta(days=burst), elsewhere(f"team{burst}-")
    task = TaskOpened(task_id="t", kind="call", text="Call them.", customer_id=WHO)
    story = StoryTold(agent_id="ann", text="Thanks.", customer_id=WHO)
    events = [Event(f"t{burst}", "/desk", team, at, task), Event(f"s{burst}", "/desk", team, at, story)]
    for paid in (True, False):
        key = elsewhere(f"shopify:{burst}{paid}")
        order: OrderTellRequested = account(burst, TEA, customer_id=WHO, order_id=key, paid=paid)
        events.append(Event(f"o{burst}{paid}", "/hooks/shopify", key, at, order))
    return [record_of(event) for event in events]


def problems(seed: int) -> list[str]:
    chance = random.Random(seed)
    erased_in = chance.randrange(1, BURSTS - 1)
    bursts = [told(n) for n in range(BURSTS)]
    profile = CustomerRegistered(name="Marked")
    bursts[0].insert(0, record_of(Event("r", "/shop", WHO, START, profile)))
    gone = Event("e", "/admin", WHO, START + timedelta(days=erased_in, hours=1), CustomerErased())
    bursts[erased_in].append(record_of(gone))
    faults = [
        Fault("kill", n * BURST_SECONDS, detail=chance.choice(LINES), after=chance.randrange(3), seconds=0.5)
        for n in range(BURSTS)
        if chance.random() < 0.3
    ]
    parts = tuple(Burst(tuple(records)) for records in bursts)
    size = chance.choice([2, 500])
    world = World(
        Scenario(seed, "interactions", 2, chance.choice([1, 2, 3]), size, 500, parts, tuple(faults))
    )
    with patched(world.run, world.loop.time):
        world.loop.run_until_complete(world.play())
        world.store.closed = world.broker.closed = True
        # How much each pass of the eraser finds depends on when it comes: no other run tells what is right.
        found = [*world.problems, *world.watch.problems]
        world.loop.bury()
    assert isinstance(world.subject, JournalSubject)
    own = [collection.name for collection in world.subject.handler.collections]
    for name in ("state", "journal", "timers", "erasing", *own):
        for document in world.store.server.find(("rapport_interactions", name), {}):
            found += [f"{name} {document['_id']} names them"] if WHO in str(document) else []
    return found


@pytest.mark.parametrize("seed", range(12))
def test_nothing_names_them_in_the_end(seed: int) -> None:
    assert problems(seed) == []
