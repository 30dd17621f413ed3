"""Where more may be fetched: fair among queues, something left for the next, never a stop."""

from hypothesis import given
from hypothesis import strategies as st

from shared.worker.merge import Queue, Queues, Slot
from shared.worker.room import AGAIN, SHARE, Room

LIMIT = 10_000
TOPICS = ("a", "b", "c")


def queues_of(partitions: int) -> dict[int, Queues]:
    return {p: {t: Queue(lambda offset: Slot("", offset, None)) for t in TOPICS} for p in range(partitions)}


def bytes_of(queues: dict[int, Queues]) -> int:
    return sum(queue.bytes for topics in queues.values() for queue in topics.values())


@given(
    st.integers(1, 4),
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 2), st.integers(1, 30_000)), min_size=1, max_size=80
    ),
)
def test_the_bound_is_passed_by_one_record_and_by_those_that_a_merge_needs(
    partitions: int, wishes: list[tuple[int, int, int]]
) -> None:
    """Whatever is offered, and nothing is ever taken: the worst that a stream clock can do."""
    room, queues = Room(LIMIT), queues_of(partitions)
    largest = max(size for _, _, size in wishes)
    for partition, topic, size in wishes:
        place = TOPICS[topic], partition % partitions
        if place in room.of(queues, bytes_of(queues)):
            queues[place[1]][place[0]].append(0, size)
    assert bytes_of(queues) < LIMIT + len(TOPICS) * largest


@given(st.dictionaries(st.tuples(st.integers(0, 3), st.sampled_from(TOPICS)), st.integers(1, 5_000)))
def test_some_partition_can_always_be_helped_on(sizes: dict[tuple[int, str], int]) -> None:
    """It may have the head of each topic that has none; and it has most, so that much gets free."""
    room, queues = Room(LIMIT), queues_of(4)
    for (partition, topic), size in sizes.items():
        queues[partition][topic].append(0, size)
    free = room.of(queues, bytes_of(queues))
    held = {p: sum(queue.bytes for queue in topics.values()) for p, topics in queues.items()}
    helped = [p for p, topics in queues.items() if all((t, p) in free for t, q in topics.items() if not q)]
    assert any(held[p] == max(held.values()) for p in helped)


def fill(room: Room, queues: dict[int, Queues], places: list[tuple[str, int]]) -> None:
    """Until there is no room for any of these; a record of ten bytes is offered to each in turn."""
    filled = True
    while filled:
        filled = False
        for topic, partition in places:
            if (topic, partition) in room.of(queues, bytes_of(queues)):
                queues[partition][topic].append(0, 10)
                filled = True


def test_a_queue_alone_has_a_fifth_and_many_have_alike() -> None:
    room, queues = Room(LIMIT), queues_of(2)
    fill(room, queues, [("a", 0)])
    alone = queues[0]["a"].bytes
    assert alone == LIMIT // (SHARE + 1)
    fill(room, queues, [("b", 0), ("c", 1)])
    sizes = [queues[0]["b"].bytes, queues[1]["c"].bytes]
    assert max(sizes) - min(sizes) <= 20
    assert sum(sizes) > LIMIT // 4
    assert bytes_of(queues) < LIMIT * 3 // 4  # something is left for the next


def test_what_was_full_stays_so_until_much_of_it_is_gone() -> None:
    room, queues = Room(LIMIT), queues_of(1)
    fill(room, queues, [("a", 0)])
    assert room.pauses == 1
    queue = queues[0]["a"]
    while ("a", 0) not in room.of(queues, bytes_of(queues)):
        queue.take(1)
    assert queue.bytes == LIMIT // (AGAIN + 1) // 10 * 10
    assert room.pauses == 1


def test_after_the_bound_was_met_half_of_it_gets_free_first() -> None:
    room, queues = Room(LIMIT), queues_of(2)
    queues[0]["a"].append(0, LIMIT)
    assert room.of(queues, LIMIT) == [("b", 0), ("c", 0)]
    queues[0]["a"].take(1)
    queues[0]["a"].append(0, LIMIT * 2 // 3)
    assert room.of(queues, bytes_of(queues)) == [("b", 0), ("c", 0)]
    queues[0]["a"].take(1)
    assert len(room.of(queues, 0)) == 6
