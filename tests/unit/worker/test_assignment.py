"""An assignment: what is fetched for it, where there is room, and what the next one takes over from it."""

import sys
from datetime import datetime, timedelta

from shared.kafka.clients import Assigned, KafkaRecord, TopicPartition
from shared.worker.assignment import LONG_AGO, Assignment
from shared.worker.batching import Batching
from shared.worker.budget import BATCH, BATCH_COPIES, QUEUED, Budget
from shared.worker.merge import Slot
from tests.unit.journal.driver import START, purchase

A: TopicPartition = ("a", 1)
B: TopicPartition = ("b", 1)
NOW = START + timedelta(hours=2)


def read(fetched: KafkaRecord) -> Slot:
    """Its event is of as many hours as its offset says."""
    event = purchase(fetched.offset, "c1", START + timedelta(hours=fetched.offset), 1)
    return Slot("a", fetched.offset, event.time, event, fetched)


def opened(partitions: frozenset[int] = frozenset({1}), budget: Budget | None = None) -> Assignment:
    assignment = Assignment(partitions, count=4, budget=budget or Budget())
    assignment.open(["a", "b"], read)
    return assignment


def records(count: int) -> list[KafkaRecord]:
    """Of A."""
    return [KafkaRecord(*A, n, b"c1", b"") for n in range(count)]


def batching(*, stream: bool, limit: int = 500) -> Batching:
    return Batching("batching", stream=stream, limit=limit, wall_clock=lambda: NOW)


def test_two_assignments_of_the_same_partitions_are_not_the_same() -> None:
    assert Assignment(frozenset({1})) != Assignment(frozenset({1}))


def test_the_next_keeps_what_nobody_knows_better_and_nothing_that_was_fetched() -> None:
    before = opened()
    before.watermarks[1] = NOW
    before.extend(records(2))
    after = before.next(Assigned(frozenset({("a", 2)})))
    assert (after.partitions, after.count, after.resumed) == (frozenset({2}), 4, False)
    assert (after.watermark(1), after.watermark(2)) == (NOW, LONG_AGO)
    assert not after.waiting
    assert not after.room()
    after.watermarks[1] = START
    assert before.watermark(1) == NOW


def test_no_more_is_fetched_where_too_much_waits() -> None:
    size = records(1)[0].size
    assignment = opened(budget=Budget(4 * 100 * size))
    assert not assignment.waiting
    assert assignment.room() == [A, B]
    assignment.extend(records(19))
    assert assignment.waiting
    assert assignment.room() == [A, B]
    assignment.extend(records(1))
    assert assignment.room() == [B]  # a fourth of what is free beside it, and until it is an eighth
    assignment.take(1, 8, frozenset(), sys.maxsize)
    assert assignment.room() == [B]
    assignment.take(1, 1, frozenset(), sys.maxsize)
    assert assignment.room() == [A, B]
    assert assignment.pauses == 1


def test_what_waits_is_counted_until_it_goes() -> None:
    budget = Budget()
    assignment = opened(budget=budget)
    assignment.extend(records(3))
    assert budget.used == budget.kinds[QUEUED] == assignment.queued == sum(r.size for r in records(3))
    _, taken = assignment.take(1, 2, frozenset(), sys.maxsize)
    assert taken == 2 * records(1)[0].size
    assert budget.used == assignment.queued == records(1)[0].size
    after = assignment.next()
    assert (budget.used, assignment.queued, after.budget) == (0, 0, budget)


def test_what_is_fetched_of_an_assignment_that_is_not_served_is_not_kept() -> None:
    assignment = opened()
    assignment.close()
    assignment.extend(records(2))
    assert not assignment.waiting


def times(stream: bool) -> list[tuple[list[datetime], datetime, datetime]]:
    assignment = opened()
    assignment.extend(records(5))
    cut = batching(stream=stream, limit=3)
    batches = [batch for _ in range(2) for batch in cut.take(assignment, {})]
    assert [b.offsets for b in batches] == [{("a", 1): 3}, {("a", 1): 5}]
    assert assignment.watermark(1) == batches[-1].messages[-1].at
    return [([m.at for m in b.messages], b.now, b.horizon) for b in batches]


def test_under_the_stream_clock_a_batch_goes_from_watermark_to_watermark() -> None:
    hours = [START + timedelta(hours=n) for n in range(5)]
    assert times(stream=True) == [(hours[:3], LONG_AGO, hours[2]), (hours[3:], hours[2], hours[4])]


def test_under_the_wall_clock_nothing_is_later_than_now() -> None:
    hours = [START + timedelta(hours=n) for n in range(3)]
    assert times(stream=False) == [(hours, NOW, NOW), ([NOW, NOW], NOW, NOW)]


def test_under_the_wall_clock_a_partition_without_records_has_batches_for_its_timers() -> None:
    cut = batching(stream=False)
    assert [b.messages for b in cut.take(opened(), {})] == [()]
    assert not cut.take(opened(), {})  # not again within a second
    assert not batching(stream=True).take(opened(), {})


def test_a_round_that_has_its_bytes_goes_on_with_the_next_partition() -> None:
    """One record a round, of three partitions in turn; timers fire in all of them meanwhile."""
    assignment = opened(frozenset({0, 1, 2}))
    assignment.extend(KafkaRecord("a", n % 3, n, b"c1", b"") for n in range(6))
    budget = Budget(1)
    cut = Batching("batching", stream=True, limit=500, wall_clock=lambda: NOW, budget=budget)
    rounds = [cut.take(assignment, {}) for _ in range(6)]
    assert [[b.partition for b in batches] for batches in rounds] == [[0], [1], [2], [0], [1], [2]]
    assert budget.kinds[BATCH] == BATCH_COPIES * records(1)[0].size
    cut.done()
    assert budget.used == 0
    cut = Batching("batching", stream=False, limit=500, wall_clock=lambda: NOW, budget=budget)
    assignment.extend(KafkaRecord("a", p, 9, b"c1", b"") for p in range(3))
    batches = cut.take(assignment, {})
    assert [(b.partition, len(b.messages)) for b in batches] == [(0, 1), (1, 0), (2, 0)]


def test_the_copies_of_a_growth_have_a_time_of_their_own() -> None:
    """A moved key's past begins anew there; the watermark never goes back for it."""
    assignment = Assignment(frozenset({0}))
    assignment.move_on(0, START + timedelta(days=9), None)
    assert assignment.time(0, (5, 0)) == LONG_AGO
    assignment.move_on(0, START, (5, 0))
    assert assignment.time(0, (5, 0)) == START
    assert assignment.watermark(0) == START + timedelta(days=9)
    assert assignment.time(0, (5, 1)) == LONG_AGO, "from another partition"
    assignment.move_on(0, START + timedelta(days=12), (6, 0))
    assert assignment.watermark(0) == START + timedelta(days=12)
