"""An assignment: what is fetched for it, where there is room, and what the next one takes over from it."""

from datetime import datetime, timedelta

from shared.kafka.clients import Assigned, KafkaRecord, TopicPartition
from shared.worker.assignment import LONG_AGO, QUEUE_LIMIT, Assignment
from shared.worker.batching import Batching
from shared.worker.merge import Slot
from tests.unit.journal.driver import START, purchase

A: TopicPartition = ("a", 1)
B: TopicPartition = ("b", 1)
NOW = START + timedelta(hours=2)


def read(fetched: KafkaRecord) -> Slot:
    """Its event is of as many hours as its offset says."""
    event = purchase(fetched.offset, "c1", START + timedelta(hours=fetched.offset), 1)
    return Slot("a", fetched.offset, event.time, event, fetched)


def opened(partitions: frozenset[int] = frozenset({1})) -> Assignment:
    assignment = Assignment(partitions, count=4)
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
    assignment = opened()
    assert not assignment.waiting
    assert assignment.room() == [A, B]
    assignment.extend(records(QUEUE_LIMIT))
    assert assignment.waiting
    assert assignment.room() == [B]
    assignment.queues[1]["a"].take(QUEUE_LIMIT // 2 - 1)
    assert assignment.room() == [B]
    assignment.queues[1]["a"].take(1)
    assert assignment.room() == [A, B]


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
