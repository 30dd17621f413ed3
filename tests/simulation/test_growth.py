"""Topics that grow, with the producers stopped and all read: keys move to other partitions, and their past is
copied for services that are built anew."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.simulation.logs import Name, log_for, records_of
from tests.simulation.patches import patched
from tests.simulation.scenario import Burst, Scenario, bursts_of
from tests.simulation.world import World, play
from tests.unit.journal.driver import START, purchase
from tests.unit.journal.kiosk import give_back


def grows(handler: Name, seed: int, *, again: bool) -> Scenario:
    """From two partitions to three, without faults. ``again``: what came before comes once more after."""
    rng = random.Random(seed)
    bursts = bursts_of(rng, log_for(rng, handler, 2))
    first = bursts[:6]
    return Scenario(
        seed=seed,
        handler=handler,
        partitions=2,
        workers=2,
        batch_size=500,
        timers_a_step=500,
        bursts=(*first, *first) if again else bursts,
        grows_to=3,
        patience=8.0,
    )


@pytest.mark.parametrize("handler", ["tally", "followup"])
@pytest.mark.parametrize("seed", range(3))
def test_an_event_has_one_effect_wherever_its_key_moves(handler: Name, seed: int) -> None:
    assert play(grows(handler, seed, again=True)).problems == []


def test_metrics_counts_an_event_once_wherever_its_key_moves() -> None:
    assert [p for seed in range(3) for p in play(grows("metrics", seed, again=True)).problems] == []


def test_what_had_no_effect_in_metrics_has_none_by_its_copy_either() -> None:
    """The second account of a return is heard while the first waits, which then proves too much: the id is
    free for one put right, and the copies that a growth makes are not that."""
    hour, events = timedelta(hours=1), []
    for customer in ("c0", "c1", "c2"):
        events.append(give_back("r-1", customer, START, "o1", 800))
        events.append(give_back("r-1", customer, START + hour, "o1", 500))
        events.append(purchase(1, customer, START + 2 * hour, 500))
    later = [purchase(2, customer, START + 3 * hour, 700) for customer in ("c0", "c1", "c2")]
    bursts = tuple(Burst(tuple(records_of(burst))) for burst in (events, later))
    run = replace(grows("metrics", 0, again=False), bursts=bursts)
    with both(run) as (first, anew):
        assert (first.subject.differences(first), anew.subject.differences(anew)) == ([], [])


def test_metrics_built_anew_from_a_log_that_has_grown_says_the_same() -> None:
    problems: list[str] = []
    for seed in range(3):
        with both(grows("metrics", seed, again=False)) as (first, anew):
            problems += [*first.subject.differences(first), *anew.subject.differences(anew)]
    assert problems == []


@pytest.mark.parametrize("handler", ["tally", "kiosk"])
def test_a_customer_who_moved_comes_to_the_same_in_a_service_built_anew(handler: Name) -> None:
    for seed in range(5):
        with both(grows(handler, seed, again=False)) as (first, anew):
            assert states(anew) == states(first), seed


@contextmanager
def both(run: Scenario) -> Iterator[tuple[World, World]]:
    """The run, and one of another database that is made of the same log, from its beginning."""
    first = World(run)
    with patched(run, first.loop.time):
        first.loop.run_until_complete(first.play())
    run = replace(run, partitions=first.broker.partitions, grows_to=None, bursts=())
    anew = World(run)
    anew.broker.take_logs(first.broker)
    with patched(run, anew.loop.time):
        anew.loop.run_until_complete(anew.play())
        try:
            assert [*first.problems, *anew.problems] == []
            yield first, anew
        finally:
            for world in (first, anew):
                world.store.closed = world.broker.closed = True
                world.loop.bury()


def states(world: World) -> dict[str, str]:
    database = f"rapport_{world.subject.service}"
    return {d["_id"]: d["data"] for d in world.store.server.find((database, "state"), {})}
