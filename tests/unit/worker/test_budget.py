"""One budget for all partitions: whatever is put in, taken out and let go, the sum is right and within it."""

from collections import Counter
from typing import TypeAlias

from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from shared.worker.budget import QUEUED, RECENT, STATES, Budget
from shared.worker.cache import NAME_BYTES, Cache, Names

PARTITIONS = 3
LIMIT = 1000

Act: TypeAlias = tuple[str, int, str, int]
"""What is done, with which partition, name and bytes."""

acts = st.lists(
    st.tuples(
        st.sampled_from(["put", "get", "pop", "add", "discard", "queue", "step", "clear", "revoke"]),
        st.integers(0, PARTITIONS - 1),
        st.sampled_from("abcdefgh"),
        st.integers(1, 400),
    ),
    max_size=60,
)


class World:
    """A budget, its partitions, and what should be in it."""

    def __init__(self) -> None:
        self.budget = Budget(LIMIT)
        self.caches = [Cache[int](self.budget, STATES) for _ in range(PARTITIONS)]
        self.names = [Names(self.budget, RECENT) for _ in range(PARTITIONS)]
        self.queued = 0

    def do(self, act: Act) -> None:
        kind, partition, name, size = act
        cache, names = self.caches[partition], self.names[partition]
        match kind:
            case "put":
                cache.put([(name, size, size)])
            case "get":
                found = cache.get(name)
                assert (found is not None) is (name in cache)
            case "pop":
                cache.pop(name)
            case "add":
                names.add([name])
            case "discard":
                names.discard([name])
            case "queue":
                self.queue(size if self.queued + size <= LIMIT // 2 else -self.queued)
            case "step":
                self.budget.advance()
            case "clear":
                cache.clear()
            case "revoke":
                cache.close()
                names.close()
                cache.put([(name, size, size)])  # by who has not noticed
                names.add([name])
                assert not len(cache) + len(names)
                self.caches[partition] = Cache(self.budget, STATES)
                self.names[partition] = Names(self.budget, RECENT)

    def queue(self, size: int) -> None:
        self.queued += size
        if size > 0:
            self.budget.take(QUEUED, size)
        else:
            self.budget.give(QUEUED, -size)

    def check(self) -> None:
        states = sum(size for cache in self.caches for _, size, _ in cache._entries.values())
        recent = sum(NAME_BYTES + len(name) for names in self.names for name in names._entries)
        held = Counter({QUEUED: self.queued, STATES: states, RECENT: recent})
        assert +self.budget.kinds == +held
        assert self.budget.used == sum(held.values())
        assert self.budget.used <= self.budget.limit
        assert recent <= LIMIT // 8


@settings(max_examples=300)
@given(acts)
def test_in_any_order_the_sum_is_right_and_within_the_limit(steps: list[Act]) -> None:
    world = World()
    for step in steps:
        world.do(step)
        world.check()
    for partition in range(PARTITIONS):
        world.do(("revoke", partition, "a", 1))
    world.queue(-world.queued)
    assert world.budget.used == 0


@given(st.lists(st.tuples(st.integers(0, PARTITIONS - 1), st.integers(0, 9)), min_size=1, max_size=80))
def test_what_was_used_longest_ago_goes_first_of_any_partition(
    uses: list[tuple[int, int]],
) -> None:
    """As from one list of all partitions, where each use is a step of its own."""
    budget = Budget(500)
    caches = [Cache[int](budget, STATES) for _ in range(PARTITIONS)]
    order: list[tuple[int, int]] = []
    for partition, name in uses:
        budget.advance()
        if caches[partition].get(str(name)) is None:
            caches[partition].put([(str(name), name, 100)])
        order = [use for use in order if use != (partition, name)] + [(partition, name)]
        order = order[-5:]
        held = {(p, int(n)) for p, cache in enumerate(caches) for n in cache._entries}
        assert held == set(order)


def test_a_hot_partition_has_what_cold_ones_do_not_use_and_gives_way_to_them() -> None:
    budget = Budget(1000)
    hot, cold = Cache[int](budget, STATES), Cache[int](budget, STATES)
    for n in range(20):
        budget.advance()
        hot.put([(str(n), n, 100)])
    assert (len(hot), budget.used) == (10, 1000)
    for n in range(5):
        budget.advance()
        cold.put([(str(n), n, 100)])
    assert (len(hot), len(cold)) == (5, 5)
    hot.close()
    assert budget.used == 500


def test_what_does_not_fit_at_all_is_not_kept_and_stops_nothing() -> None:
    budget = Budget(100)
    cache = Cache[int](budget, STATES)
    cache.put([("small", 1, 60)])
    budget.advance()
    cache.put([("large", 2, 1_000)])
    assert (len(cache), budget.used) == (0, 0)
    budget.take(QUEUED, 1_000)
    cache.put([("small", 1, 60)])
    assert (len(cache), budget.used) == (0, 1_000)
    budget.give(QUEUED, 1_000)
    cache.put([("small", 1, 60)])
    assert budget.used == 60


def test_what_is_asked_is_counted_and_caches_make_room_for_it() -> None:
    budget = Budget(1000)
    held = 0
    budget.ask("ids", lambda: held)
    cache = Cache[int](budget, STATES)
    cache.put([("a", 1, 600)])
    budget.look()
    assert budget.used == 600
    held = 500
    budget.look()
    assert (budget.kinds["ids"], len(cache), budget.used) == (500, 0, 500)
    held = 0
    budget.look()
    assert budget.used == 0


def test_the_gauges_tell_it_by_kind() -> None:
    def told(name: str, **labels: str) -> float | None:
        return REGISTRY.get_sample_value(name, {"service": "shown", **labels})

    budget = Budget(64 * 1024 * 1024)
    budget.reserve()
    Cache[int](budget, STATES).put([("a", 1, 600)])
    budget.show("shown")
    assert told("rapport_memory_limit_bytes") == budget.limit
    assert told("rapport_memory_bytes", kind=STATES) == 600
    kinds = {kind: told("rapport_memory_bytes", kind=kind) for kind in budget.kinds}
    assert sum(size or 0 for size in kinds.values()) == budget.used


@given(st.integers(1, 1 << 40))
def test_the_shares_fit_the_limit(limit: int) -> None:
    budget = Budget(limit)
    assert min(budget.queue_limit, budget.batch_limit, budget.step_limit) > 0
    if limit < 64 * 1024 * 1024:
        return  # less than the setting allows: a broker's answer is 1 MiB at least
    budget.reserve()
    assert budget.used + budget.queue_limit + 4 * budget.batch_limit + budget.step_limit < limit
