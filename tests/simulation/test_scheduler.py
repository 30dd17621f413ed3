"""The simulation itself: time, order, death and sleep are functions of the seed."""

import asyncio

import pytest

from tests.simulation.scheduler import Node, StuckError, VirtualLoop
from tests.simulation.world import play_seed


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


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_run_is_a_function_of_its_seed(seed: int) -> None:
    assert play_seed(seed).trace == play_seed(seed).trace
