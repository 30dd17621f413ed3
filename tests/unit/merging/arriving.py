"""Events of some customers as they come: each topic in its order, whichever is read next."""

from collections import deque
from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from shared.journal.testing import InMemoryWorker
from shared.schemas.event import Event

MOST = 5000
"""Events that a history may have: more, and they go around for ever."""


def arrive(
    data: st.DataObject, worker: InMemoryWorker[Any], events: Sequence[Event], batches: int = 3
) -> list[Event]:
    """Let them come, in batches of up to so many, with what the worker asks of itself, and some of them
    twice. Returns them in the order in which they came."""
    queues: dict[tuple[str, str], deque[Event]] = {}
    read: list[Event] = []

    def bring(event: Event) -> None:
        queues.setdefault((event.subject, event.data.topic), deque()).append(event)

    for event in events:
        bring(event)
    while waiting := sorted(name for name, queue in queues.items() if queue):
        assert len(read) < MOST, "it goes around for ever"
        queue = queues[data.draw(st.sampled_from(waiting))]
        batch = [queue.popleft() for _ in range(min(len(queue), data.draw(st.integers(1, batches))))]
        if read and data.draw(st.integers(0, 9)) == 0:
            batch.append(data.draw(st.sampled_from(read)))
        read += batch
        for handled in worker.send_batch(batch):
            for event in handled.emitted:
                if event.data.topic == "commands":
                    bring(event)
    return read
