"""Merging topics by time: nothing overtakes an earlier record that is still unread."""

from collections import deque
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from shared.worker.merge import Copied, Queue, Queues, Slot, merge
from tests.unit.journal.driver import purchase

START = datetime(2026, 1, 1, tzinfo=UTC)
logs = st.dictionaries(
    st.sampled_from(["a", "b", "c"]), st.lists(st.integers(0, 50).map(int), max_size=12).map(sorted)
)


def queue(waiting: list[Slot]) -> Queue[Slot]:
    made: Queue[Slot] = Queue(lambda slot: slot)
    made.extend(waiting)
    return made


def slots(topic: str, hours: list[int]) -> list[Slot]:
    return [Slot(topic, offset, START + timedelta(hours=h)) for offset, h in enumerate(hours)]


@given(logs, st.data())
def test_any_fetching_gives_the_whole_order(log: dict[str, list[int]], data: st.DataObject) -> None:
    """However little is fetched at a time and taken at a time, records come out in time order."""
    left = {topic: deque(slots(topic, hours)) for topic, hours in log.items()}
    queues: Queues = {topic: queue([]) for topic in log}
    taken: list[Slot] = []
    total = sum(map(len, left.values()))
    while len(taken) < total:
        for topic in data.draw(st.lists(st.sampled_from(sorted(left)), min_size=1)):
            for _ in range(data.draw(st.integers(1, 4))):
                if left[topic]:
                    queues[topic].extend([left[topic].popleft()])
        unread = frozenset(topic for topic, rest in left.items() if rest)
        taken += merge(queues, data.draw(st.integers(1, 9)), unread)
    expected = sorted((s.at, topic, s.offset) for topic, h in log.items() for s in slots(topic, h))
    assert [(s.at, s.topic, s.offset) for s in taken] == expected


def test_a_queue_that_a_merge_drains_holds_the_others_back_if_more_is_in_the_log() -> None:
    queues: Queues = {"a": queue(slots("a", [1, 2])), "b": queue(slots("b", [9]))}
    assert [s.topic for s in merge(queues, 10, frozenset({"a"}))] == ["a", "a"]
    assert not merge(queues, 10, frozenset({"a"}))
    assert [s.topic for s in merge(queues, 10, frozenset())] == ["b"]


def test_a_single_topic_with_more_to_come_holds_nothing_back() -> None:
    queues: Queues = {"a": queue(slots("a", [1, 2, 3])), "b": queue([])}
    assert len(merge(queues, 2, frozenset({"a"}))) == 2
    assert not merge(queues, 2, frozenset({"b"}))


def test_records_without_effect_go_first() -> None:
    queues: Queues = {"a": queue(slots("a", [1])), "b": queue([Slot("b", 0, None)])}
    assert [s.topic for s in merge(queues, 10)] == ["b", "a"]


ZERO, ONE = (1_000, 0), (1_000, 1)


def test_copies_of_a_growth_come_after_what_was_there_and_before_what_came_later() -> None:
    """Whatever the topic, and however early what they tell was; no batch is of both."""

    def slot(topic: str, offset: int, hour: int, stamp: int, copied: Copied | None = None) -> Slot:
        event = purchase(offset, "c", START, 5)
        return Slot(topic, offset, START + timedelta(hours=hour), event, stamp=stamp, copied=copied)

    a = [slot("a", 0, 50, 10), slot("a", 1, 1, 5, ZERO), slot("a", 2, 3, 6, ZERO), slot("a", 3, 4, 2_000)]
    b = [slot("b", 0, 60, 20), slot("b", 1, 2, 5, ZERO), slot("b", 2, 1, 5, ONE), slot("b", 3, 90, 2_000)]
    c = [slot("c", 0, 70, 2_000)]
    queues: Queues = {"a": queue(a), "b": queue(b), "c": queue(c)}
    batches = [merge(queues, 10) for _ in range(5)]
    assert [[(s.topic, s.offset) for s in batch] for batch in batches] == [
        [("a", 0), ("b", 0)],
        [("a", 1), ("b", 1), ("a", 2)],
        [("b", 2)],
        [("a", 3), ("c", 0), ("b", 3)],
        [],
    ]
    alone: Queues = {"a": queue(a)}
    assert [len(merge(alone, 10)) for _ in range(3)] == [1, 2, 1]
