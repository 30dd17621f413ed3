"""Topics that grow, with the producers stopped and all read: keys move to other partitions."""

import random
from dataclasses import replace

import pytest

from tests.simulation.logs import Name, log_for
from tests.simulation.patches import patched
from tests.simulation.scenario import Scenario, bursts_of
from tests.simulation.world import World, play


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


@pytest.mark.xfail(strict=True, reason="the simulated growth copies nothing; integration/test_growth does")
def test_metrics_built_anew_from_a_log_that_has_grown_says_the_same() -> None:
    problems: list[str] = []
    for seed in range(3):
        run = grows("metrics", seed, again=False)
        first = World(run)
        with patched(run, first.loop.time):
            first.loop.run_until_complete(first.play())
        problems += _built_anew(first)
        _close(first)
    assert problems == []


def _built_anew(first: World) -> list[str]:
    """What is wrong with a database that is made of the same log, from its beginning."""
    run = replace(first.run, partitions=first.broker.partitions, grows_to=None, bursts=())
    second = World(run)
    second.broker.take_logs(first.broker)
    with patched(run, second.loop.time):
        second.loop.run_until_complete(second.play())
        problems = [*second.problems, *second.subject.differences(second)]
        _close(second)
    return problems


def _close(world: World) -> None:
    world.store.closed = world.broker.closed = True
    world.loop.bury()
