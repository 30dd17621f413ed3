"""What a worker keeps of large records stays within its budget; nothing stops, little is fetched twice."""

import asyncio
import subprocess
import sys
from itertools import groupby
from typing import Any

import pytest

from shared.worker import member
from shared.worker.budget import BATCH, QUEUED, Budget
from shared.worker.loop import RecordLoop
from tests.unit.worker.ahead import MIB, AheadConsumer, LargeIntake, LargeLogs, SlowRecorder, resident
from tests.unit.worker.running import until

TOPICS = ("a", "b", "c")


class Watched(Budget):
    """Remembers the most that it had."""

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self.most = self.most_queued = 0

    def take(self, kind: str, size: int) -> None:
        super().take(kind, size)
        self.most = max(self.most, self.used)
        self.most_queued = max(self.most_queued, self.kinds[QUEUED])


class Run:
    """A loop over logs that are far larger than its budget, and what came of it."""

    def __init__(
        self,
        size: int,
        limit: int,
        counts: dict[str, int],
        *,
        partitions: int = 16,
        stream: bool = False,
        hours: dict[str, int] | None = None,
        polls: int = 6,
        shared: bool = True,
    ) -> None:
        places = {(topic, p): n for topic, n in counts.items() for p in range(partitions)}
        self.total = sum(places.values())
        self.budget = Watched(limit)
        self.consumer = AheadConsumer(LargeLogs(places, size, shared=shared), 2 * self.budget.fetch_limit)
        self.processor = SlowRecorder(self.consumer, polls)
        intake: Any = LargeIntake(hours or dict.fromkeys(counts, 0))
        self.loop = RecordLoop(
            service="bound",
            consumer=lambda: self.consumer,
            topics=counts,
            intake=intake,
            processor=self.processor,
            stream=stream,
            budget=self.budget,
        )
        self.consumer.assign(*places)

    async def play(self) -> None:
        task = asyncio.create_task(self.loop.run())
        await until(lambda: len(self.processor.places) >= self.total, 60.0)
        self.loop.stop()
        await task

    def check_order(self) -> None:
        """Each record once, in order."""
        of_place = sorted(self.processor.places, key=lambda p: p[0])
        for _, found in groupby(of_place, key=lambda p: p[0]):
            offsets = [offset for _, offset, _ in found]
            assert offsets == list(range(len(offsets)))


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(member, "ATTEND_SECONDS", 0.001)


@pytest.mark.parametrize("stream", [False, True])
async def test_large_records_over_many_partitions_stay_within_the_budget(stream: bool) -> None:
    run = Run(MIB, 64 * MIB, dict.fromkeys(TOPICS, 12), stream=stream)
    await run.play()
    run.check_order()
    largest = MIB + 400
    assert run.budget.most <= run.budget.limit
    assert run.budget.most_queued <= run.budget.queue_limit + len(TOPICS) * largest
    assert run.processor.largest <= run.budget.batch_limit + largest
    assert run.budget.used == run.budget.kinds[BATCH] == run.budget.kinds[QUEUED] == 0


APART = {"a": 0, "b": 1, "c": 2}
"""Topics that are far apart fill their queues under the stream clock."""


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("polls", [0, 8])
async def test_what_is_paused_is_not_fetched_again_and_again(stream: bool, polls: int) -> None:
    """Counted, not timed. ``polls``: how many there are while a batch is under way."""
    hours = {topic: n * 1_200 for topic, n in APART.items()}
    counts = dict.fromkeys(TOPICS, 2_400)
    run = Run(4_100, 64 * MIB, counts, partitions=4, stream=stream, hours=hours, polls=polls)
    await run.play()
    run.check_order()
    assert run.consumer.handed == run.total
    assert run.consumer.thrown <= run.total // 40


@pytest.mark.parametrize("stream", [False, True])
async def test_even_of_large_records_no_more_than_one_a_poll_is_fetched_again(stream: bool) -> None:
    """Five in a second: beside a slow batch a member polls so often, and each poll takes a record."""
    hours = {topic: n * 30 for topic, n in APART.items()}
    run = Run(MIB, 256 * MIB, dict.fromkeys(TOPICS, 60), partitions=4, stream=stream, hours=hours, polls=8)
    await run.play()
    run.check_order()
    assert run.consumer.thrown <= run.consumer.polls
    assert run.budget.most <= run.budget.limit


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("limit", [1, MIB])
async def test_a_record_larger_than_the_budget_is_handled_by_itself(stream: bool, limit: int) -> None:
    run = Run(MIB, limit, dict.fromkeys(TOPICS, 3), partitions=3, stream=stream)
    await run.play()
    run.check_order()
    assert run.budget.most_queued <= (1 + len(TOPICS)) * (MIB + 400)
    assert run.processor.largest <= MIB + 400


async def test_a_hot_topic_has_what_cold_ones_do_not_use_and_starves_none() -> None:
    run = Run(MIB, 64 * MIB, {"a": 60, "b": 2}, partitions=2)
    await run.play()
    run.check_order()
    cold = [n for n, (place, _, _) in enumerate(run.processor.places) if place[0] == "b"]
    assert max(cold) < run.total // 2
    assert run.budget.most_queued > run.budget.queue_limit // 6


SCRIPT = """
import asyncio, structlog
from shared.worker import member
from tests.unit.worker.ahead import resident
from tests.unit.worker.test_memory_bound import MIB, Run
structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
member.ATTEND_SECONDS = 0.001
before = resident()
run = Run(MIB, 64 * MIB, {"a": 12, "b": 12}, partitions=16, shared=False)
asyncio.run(run.play())
print((run.processor.heaviest - before) // 1024)
"""


@pytest.mark.skipif(not resident(), reason="the system does not tell it so")
def test_the_process_takes_no_more_than_that() -> None:
    """384 MiB of records: the process grows by a budget of 64 at most."""
    run = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
    assert 4 < int(run.stdout) <= 64
