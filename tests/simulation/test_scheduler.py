"""The simulation itself: time, order, death and sleep are functions of the seed."""

import asyncio
import hashlib
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.simulation.scheduler import Node, StuckError, VirtualLoop
from tests.simulation.world import play_seed

ROOT = Path(__file__).parents[2]


def order_of(seed: int) -> list[int]:
    loop, order = VirtualLoop(seed), list[int]()

    async def one(number: int) -> None:
        for _ in range(3):
            order.append(number)
            await asyncio.sleep(0)

    async def main() -> None:
        await asyncio.gather(*(one(n) for n in range(5)))

    loop.run_until_complete(main())
    loop.close()
    return order


def test_the_order_is_the_seeds() -> None:
    assert order_of(1) == order_of(1)
    assert len({tuple(order_of(seed)) for seed in range(10)}) == 10


def test_time_jumps_to_the_next_timer() -> None:
    loop = VirtualLoop(0)
    loop.run_until_complete(asyncio.sleep(3600))
    assert loop.time() == pytest.approx(3600)
    loop.close()


def test_a_run_that_waits_for_nothing_says_so() -> None:
    loop = VirtualLoop(0)
    task = loop.create_task(asyncio.Event().wait())
    with pytest.raises(StuckError):
        loop.run_until_complete(task)
    loop.bury()


def test_of_a_dead_process_nothing_runs_any_more() -> None:
    loop, seen = VirtualLoop(0), list[str]()
    node = Node("w", loop)

    async def work() -> None:
        try:
            while True:
                seen.append(f"{loop.time():.0f}")
                await asyncio.sleep(1)
        finally:
            seen.append("finally")

    node.spawn(work())
    loop.call_later(2.5, node.kill)
    loop.run_until_complete(asyncio.sleep(10))
    assert seen == ["0", "1", "2"]
    loop.bury()


def test_one_that_sleeps_finds_its_timers_fired_late() -> None:
    loop, seen = VirtualLoop(0), list[float]()
    node = Node("w", loop)

    async def work() -> None:
        for _ in range(4):
            await asyncio.sleep(1)
            seen.append(round(loop.time(), 1))

    node.spawn(work())
    loop.call_later(1.5, node.sleep, 20)
    loop.run_until_complete(asyncio.sleep(30))
    assert seen == [1.0, 21.5, 22.5, 23.5]
    loop.bury()


def digest_of(seed: int) -> str:
    """Of the whole trace, and of all that came of the run."""
    verdict = play_seed(seed)
    said = [*verdict.trace, *verdict.problems, *map(str, sorted(verdict.hits.items()))]
    return hashlib.sha256("\n".join(said).encode()).hexdigest()


def digests_elsewhere(seeds: Sequence[int], hash_seed: str) -> list[str]:
    """The same, in a process of its own whose sets of text have another order."""
    program = (
        "from tests.simulation.test_scheduler import digest_of\n"
        f"for seed in {list(seeds)}: print(digest_of(seed))"
    )
    env = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", program], env=env, capture_output=True, text=True, check=True
    )
    return done.stdout.split()


def test_a_run_is_a_function_of_its_seed() -> None:
    seeds = [*range(12), *range(40, 52)]
    here = [digest_of(seed) for seed in reversed(seeds)][::-1]  # whatever was played before it
    assert len({*here}) == len(seeds)
    for hash_seed in ("0", "1"):
        assert digests_elsewhere(seeds, hash_seed) == here
