"""What growing topics copies where, and when it is finished, as data."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rapport.growth import targets
from rapport.topics import LAST_TO_GROW, Growth, Topic, growth_to, wanted
from shared.kafka.keys import partition_of

_counts = st.tuples(st.integers(1, 12), st.integers(1, 12)).filter(lambda pair: pair[0] < pair[1])


@given(_counts, st.binary(min_size=1, max_size=8))
def test_a_record_goes_once_to_where_its_key_is_now(counts: tuple[int, int], key: bytes) -> None:
    before, after = counts
    growth = Growth(before, after)
    reached = [
        there for partition in range(before) for there in targets(growth, "purchases", partition, key, ())
    ]
    now, was = partition_of(key, after), partition_of(key, before)
    assert reached == ([] if now == was else [now]), "only from its own place: a misplaced one was forwarded"


@given(_counts)
def test_to_a_multiple_keys_move_to_new_partitions_alone_in_their_order(counts: tuple[int, int]) -> None:
    before, times = counts
    growth = Growth(before, before * times)
    sources: dict[int, set[int]] = {}
    for n in range(200):
        key = str(n).encode()
        partition = partition_of(key, before)
        for there in targets(growth, "purchases", partition, key, ()):
            sources.setdefault(there, set()).add(partition)
    assert all(there >= before and len(froms) == 1 for there, froms in sources.items())


def test_the_time_is_told_once_among_the_copies_of_each_partition_that_keys_move_to() -> None:
    for growth, partitions in ((Growth(2, 5), [0, 1, 2, 3, 4]), (Growth(2, 6), [2, 3, 4, 5])):
        told = [there for partition in range(2) for there in targets(growth, "clock", partition, None, ())]
        assert sorted(told) == partitions


def test_a_copy_of_this_growth_stays_and_one_of_an_earlier_growth_moves_on() -> None:
    growth = Growth(3, 5)
    key = next(k for k in (b"a", b"b", b"c", b"d") if partition_of(k, 3) != partition_of(k, 5))
    place = partition_of(key, 3)
    assert targets(growth, "purchases", place, key, [("rapport-grown", b"5@1000/0")]) == []
    assert targets(growth, "purchases", place, key, [("rapport-grown", b"3@1000/0")]) == [
        partition_of(key, 5)
    ]
    assert targets(growth, "purchases", place, None, ()) == []


def topics(count: int, **others: int) -> dict[str, Topic]:
    named = {name.replace("_", "."): partitions for name, partitions in others.items()}
    return {t.name: Topic(t.name, named.get(t.name, count), t.configs) for t in wanted(count)}


def test_growing_is_finished_when_the_last_topic_has_grown() -> None:
    assert LAST_TO_GROW == "clock.dlq"
    assert growth_to(5, topics(4)) == Growth(4, 5, resumed=False)
    assert growth_to(5, topics(5)) is None
    assert growth_to(5, topics(5, clock_dlq=4)) == Growth(4, 5, resumed=True)
    assert growth_to(5, topics(4, purchases=5)) == Growth(4, 5, resumed=True)


def test_one_growth_at_a_time_and_never_down() -> None:
    with pytest.raises(ValueError, match="grow 5` first"):
        growth_to(7, topics(5, clock_dlq=4))
    with pytest.raises(ValueError, match="cannot shrink"):
        growth_to(3, topics(4))
