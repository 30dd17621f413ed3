"""Merging in any order of arrival: nothing is lost, nothing is there twice, all is with the survivor."""

from collections import deque
from collections.abc import Mapping
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.journal.testing import START, InMemoryWorker
from shared.schemas.customers import CustomerMerged, CustomerUnmerged
from shared.schemas.event import Event
from shared.schemas.feedback import ReviewPosted
from tests.unit.merging.purse import Purse, handler

IDS = ("a", "b", "c", "d")

told = st.tuples(st.just("told"), st.sampled_from(IDS), st.just(""))
merged = st.tuples(st.just("merged"), st.sampled_from(IDS), st.sampled_from(IDS)).filter(
    lambda step: step[1] != step[2]
)
Step = tuple[str, str, str]


def event_of(number: int, step: Step) -> Event:
    what, customer, other = step
    data = {
        "told": lambda: ReviewPosted(sku="s", rating=5),
        "merged": lambda: CustomerMerged(into=other, reason="r"),
        "unmerged": lambda: CustomerUnmerged.model_validate({"from": other, "reason": "r"}),
    }[what]()
    return Event(f"e-{number}", "/test", customer, START + timedelta(seconds=number), data)


class Arrival:
    """The topics of some customers: each is read in its order, whichever comes next."""

    def __init__(self, data: st.DataObject, history: list[Step]) -> None:
        self.worker = InMemoryWorker(handler(), loopback=False, strict=True)
        self._data = data
        self._queues: dict[tuple[str, str], deque[Event]] = {}
        self._read: list[Event] = []
        for number, step in enumerate(history):
            self._bring(event_of(number, step))

    def _bring(self, event: Event) -> None:
        self._queues.setdefault((event.subject, event.data.topic), deque()).append(event)

    def run(self) -> Mapping[str, Purse]:
        most = 3000
        while waiting := sorted(name for name, queue in self._queues.items() if queue):
            most -= 1
            assert most, "it goes around for ever"
            queue = self._queues[self._data.draw(st.sampled_from(waiting))]
            batch = [queue.popleft() for _ in range(min(len(queue), self._data.draw(st.integers(1, 3))))]
            if self._read and self._data.draw(st.integers(0, 9)) == 0:
                batch.append(self._data.draw(st.sampled_from(self._read)))
            self._read += batch
            for handled in self.worker.send_batch(batch):
                for event in handled.emitted:
                    self._bring(event)
        return {id: self.worker.state(id) for id in IDS}


def survivor(states: Mapping[str, Purse], id: str) -> str:
    seen = {id}
    while (standing := states[id].merging) is not None and standing.moved is not None:
        id = standing.moved.into
        assert id not in seen, "a circle is left"
        seen.add(id)
    return id


def check(states: Mapping[str, Purse], history: list[Step]) -> None:
    found = {coin.name: (coin.of or id, id) for id, purse in states.items() for coin in purse.coins}
    assert sum(len(purse.coins) for purse in states.values()) == len(found), "there twice"
    for number, (what, customer, _) in enumerate(history):
        if what == "told":
            assert found.pop(f"/test e-{number}") == (customer, survivor(states, customer))
    assert found == {}
    for id in IDS:
        here = {other for other in IDS if other != id and survivor(states, other) == id}
        standing = states[id].merging
        if survivor(states, id) == id:
            assert {*(standing.ids if standing else ())} == here


@settings(max_examples=400)
@given(st.data(), st.lists(told | merged, max_size=12))
def test_merged_in_any_order(data: st.DataObject, history: list[Step]) -> None:
    arrival = Arrival(data, history)
    states = arrival.run()
    check(states, history)
    component = {id: {id} for id in IDS}
    for what, customer, other in history:
        if what == "merged":
            both = component[customer] | component[other]
            component |= dict.fromkeys(both, both)
    for id, both in component.items():
        assert {survivor(states, other) for other in both} == {survivor(states, id)}
