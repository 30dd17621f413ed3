"""Directed runs of whole workers: idle members, long outages, producers that can go on no more.

What went wrong is named in each test; without its mending the test fails.
"""

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any, Literal

import pytest

from tests.simulation.broker import SendFault
from tests.simulation.logs import record_of
from tests.simulation.patches import patched
from tests.simulation.scenario import Burst, Scenario
from tests.simulation.world import World
from tests.unit.journal.driver import START, purchase

NOT_POLLING = "it does not poll"


class Bench:
    """Workers that a test starts and stops, on one partition."""

    def __init__(self) -> None:
        self.world = World(Scenario(1, "tally", 1, 0, 500, 500, ()))
        self.loop, self.broker = self.world.loop, self.world.broker
        self._told = 0

    def tell(self) -> None:
        """One more purchase, an hour after the one before."""
        self._told += 1
        at = START + timedelta(hours=self._told)
        self.world._produce(Burst((record_of(purchase(self._told, "c1", at, 10)),)))

    @property
    def owner(self) -> int:
        (number,) = (n for n, loop in self.world.loops.items() if loop.held)
        return number

    async def handled(self, seconds: float) -> None:
        """All that was told takes effect within so long."""
        until = self.loop.time() + seconds
        while not self.world._done():
            assert self.loop.time() < until, "nobody reads"
            await asyncio.sleep(0.5)

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        world = self.world
        world.watch.start()
        with patched(world.run, self.loop.time):
            self.loop.run_until_complete(work)
            world.store.closed = self.broker.closed = True
            self.loop.bury()
        assert world.watch.problems == {}
        assert NOT_POLLING not in self.broker.group.dropped
        assert world.restarts == 0


def test_3_a_standby_that_was_idle_for_longer_than_the_poll_interval_takes_over() -> None:
    bench = Bench()

    async def main() -> None:
        bench.world.start(0)
        bench.world.start(1)
        await asyncio.sleep(400.0)
        bench.tell()
        await bench.handled(5.0)
        bench.world.nodes[bench.owner].kill()
        bench.world.loops.pop(bench.owner)
        bench.tell()
        await bench.handled(30.0)

    bench.run(main())


def test_3_a_worker_that_takes_over_while_the_store_is_away_stays_in_its_group() -> None:
    bench = Bench()

    async def main() -> None:
        bench.world.start(0)
        await asyncio.sleep(5.0)
        bench.tell()
        await bench.handled(5.0)
        bench.world.store.outage(400.0, restart=True)
        bench.world.start(1)
        bench.tell()
        await bench.handled(430.0)

    bench.run(main())


@pytest.mark.parametrize("away", ["store", "broker"])
@pytest.mark.parametrize("before", ["before it begins", "while it serves"])
def test_3_an_outage_of_twenty_minutes_leaves_every_worker_alive(away: str, before: str) -> None:
    bench = Bench()

    async def main() -> None:
        if before == "while it serves":
            bench.world.start(0)
            await asyncio.sleep(5.0)
        if away == "store":
            bench.world.store.outage(1200.0, restart=False)
        else:
            bench.broker.outage(1200.0)
        bench.tell()
        if before == "before it begins":
            bench.world.start(0)
        await bench.handled(1240.0)

    bench.run(main())


@pytest.mark.parametrize("kind", ["broken", "stuck", "lose_request"])
def test_4_a_producer_that_can_write_no_more_is_replaced(kind: Literal["broken", "stuck"]) -> None:
    """A batch that timed out without a leader left a gap in its sequence numbers: each later send was refused
    (or never answered)."""
    bench = Bench()

    async def main() -> None:
        bench.world.start(0)
        await asyncio.sleep(5.0)
        bench.broker.send_faults[bench.broker.sends + 1] = SendFault(kind)
        bench.tell()
        await bench.handled(60.0)
        bench.tell()
        await bench.handled(5.0)

    bench.run(main())


def test_4_a_partition_without_a_leader_for_half_a_minute_holds_up_nothing_for_good() -> None:
    bench = Bench()

    async def main() -> None:
        bench.world.start(0)
        await asyncio.sleep(5.0)
        bench.tell()
        bench.broker.lose_leader(0, 30.0)
        await bench.handled(45.0)

    bench.run(main())
