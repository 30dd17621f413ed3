"""Rate limits: never more in any span, evenly, by all workers together; what waits too long says why."""

import asyncio
import itertools
from bisect import bisect_left
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.followup.config import load_rules
from services.followup.domain.rows import COLLECTION, PACE
from services.followup.domain.rules.rates import RateLimit
from services.followup.domain.rules.times import span
from services.followup.sender import Sender
from shared.runtime.config import ConfigError
from shared.schemas.outreach import OutreachSuppressed
from shared.schemas.times import Micros

from .driver import HOUR, Driver, purchase, reachable
from .mailserver import Database, FakeRuntime, row, until
from .test_rules import changed
from .test_sender_lanes import Flock

SECOND = 1_000_000


def limit(most: int, per: timedelta = timedelta(seconds=1)) -> RateLimit:
    return RateLimit.model_validate({"max": most, "per": per})


def most_within(times: list[Micros], width: Micros) -> int:
    """The most of the times that lie in any half-open span of this width."""
    return max(bisect_left(times, at + width) - n for n, at in enumerate(times))


@given(
    st.integers(1, 2000),
    st.sampled_from([timedelta(seconds=1), timedelta(seconds=7), timedelta(minutes=1), timedelta(hours=1)]),
    st.lists(st.tuples(st.integers(0, 2 * SECOND), st.integers(1, 400)), min_size=1, max_size=60),
)
def test_no_span_has_more_than_the_limit(most: int, per: timedelta, asked: list[tuple[int, int]]) -> None:
    rate, at, now = limit(most, per), None, 0
    times: list[Micros] = []
    for later, wanted in asked:
        now += later
        granted = rate.grant(at, now, wanted)
        assert granted.messages <= wanted
        times += [now] * granted.messages
        at = granted.at
    assert not times or most_within(times, span(per)) <= most


@pytest.mark.parametrize("most", [1, 3, 10, 100, 1000])
def test_a_backlog_goes_evenly_and_at_nine_tenths_of_the_limit_at_least(most: int) -> None:
    rate, at, now = limit(most), None, 0
    times: list[Micros] = []
    while now < 10 * SECOND:
        granted = rate.grant(at, now, 8)
        times += [now] * granted.messages
        at = granted.at
        now = max(now + 100, rate.opens(at))
    assert 0.9 * most <= len(times) / 10 <= most + 1
    tenths = [
        sum(1 for t in times if tenth * SECOND <= 10 * t < (tenth + 1) * SECOND) for tenth in range(100)
    ]
    assert max(tenths) <= max(1, most // 10 + rate.burst)


def sender(runtime: FakeRuntime, rate: RateLimit, flock: Flock) -> Sender:
    return Sender(runtime, flock, event_time=False, limits=lambda channel, at: rate)


async def put(database: Database, n: int, **changes: Any) -> None:
    waits = datetime.now(UTC) - timedelta(minutes=1)
    await database[COLLECTION].insert_many(
        [row(f"m{i:03}", channel="pigeon", not_before=waits, **changes) for i in range(n)]
    )


class Timed(Flock):
    """Notes when each went."""

    def __init__(self) -> None:
        super().__init__()
        self.times: list[Micros] = []

    async def send(self, *args: Any) -> Any:
        self.times.append(int(asyncio.get_running_loop().time() * SECOND))
        return await super().send(*args)


async def test_all_workers_together_keep_the_limit_and_everything_goes(
    database: Database, runtime: FakeRuntime
) -> None:
    await database[PACE].delete_many({})
    await put(database, 50)
    rate, flocks = limit(40), [Timed(), Timed()]
    other = FakeRuntime(database)
    runtime.owned = lambda customer: int(customer[-1]) % 2 == 0
    other.owned = lambda customer: int(customer[-1]) % 2 == 1
    running = [sender(one, rate, flock) for one, flock in zip((runtime, other), flocks, strict=True)]
    tasks = [asyncio.create_task(one.run()) for one in running]
    began = asyncio.get_running_loop().time()
    await until(lambda: len(runtime.published) + len(other.published) == 50)
    took = asyncio.get_running_loop().time() - began
    for one in (runtime, other):
        one.stopping.set()
    await asyncio.gather(*tasks)
    times = sorted(itertools.chain(*(flock.times for flock in flocks)))
    assert len(times) == 50
    # Granted are 40 at most; on a busy machine some arrive a little later than they were.
    assert most_within(times, SECOND) <= 44
    assert took > 1.0


async def test_rules_share_a_channel_that_is_limited(database: Database, runtime: FakeRuntime) -> None:
    await database[PACE].delete_many({})
    await put(database, 30, rule="campaign")
    await database[COLLECTION].insert_one(row("one", channel="pigeon", rule="thank-you"))
    flock = Timed()
    running = sender(runtime, limit(10), flock)
    task = asyncio.create_task(running.run())
    await until(lambda: ("one", "sent") in runtime.reports)
    runtime.stopping.set()
    await task
    assert len(flock.carried) <= 5


async def test_what_the_limit_held_back_too_long_says_so(database: Database, runtime: FakeRuntime) -> None:
    await database[PACE].delete_many({})
    now = datetime.now(UTC)
    await put(database, 3, expires_at=now + timedelta(seconds=1.5), decided_at=now)
    running = sender(runtime, limit(1, timedelta(hours=1)), Timed())
    assert await running.round()
    assert [status for _, status in runtime.reports] == ["sent"]
    runtime.time = now + timedelta(seconds=2)
    running._queue._claim_at = 0.0
    await running.round()
    errors = {event.data.error for event in runtime.published[1:]}
    assert errors == {"rate_limited"}
    assert len(runtime.published) == 3


def test_it_is_suppressed_by_that_reason() -> None:
    driver = reachable(Driver(instant=False))
    driver.event(purchase())
    driver.after(3 * HOUR)
    driver.deliver("failed", "rate_limited")
    assert driver.statuses("thank-you") == ["suppressed"]
    (told,) = driver.facts(OutreachSuppressed)
    assert told.reason == "rate_limited"


@pytest.mark.parametrize(
    ("limits", "says"),
    [
        ({"sms": {"max": 1, "per": "1s"}}, "rate_limits.sms: nothing is sent by sms, only by email"),
        ({"email": {"max": 0, "per": "1s"}}, "rate_limits.email.max"),
        ({"email": {"max": 5, "per": "0s"}}, "rate_limits.email.per"),
        ({"email": {"max": 5}}, "rate_limits.email.per"),
    ],
)
def test_a_bad_limit_stops_the_start(tmp_path: Path, limits: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        load_rules(changed(tmp_path, "rate_limits", to=limits))


def test_a_good_one_is_read(tmp_path: Path) -> None:
    rules = load_rules(changed(tmp_path, "rate_limits", to={"email": {"max": 100, "per": "1s"}}))
    assert rules.rate_limits == {"email": limit(100)}
