"""What is told of several ids, read in whatever order their topics are."""

from collections import deque
from random import Random

from services.interactions.domain.state import Customer
from shared.journal.testing import InMemoryWorker
from shared.schemas.event import Event


class Arrival:
    """Topics of customers, each read in its order, some of this and then of that, by a ``chance`` of its own:
    with hundreds of draws most histories would be thrown away."""

    def __init__(self, chance: Random, like: InMemoryWorker[Customer]) -> None:
        """By a worker ``like`` that one, whose commands to itself arrive when they are read."""
        self.done = InMemoryWorker(like._handler, now=like.now, loopback=False)
        self._chance = chance
        self._queues: dict[str, deque[Event]] = {}
        self._read: list[Event] = []

    def bring(self, event: Event) -> None:
        self._queues.setdefault(f"{event.subject} {event.data.topic}", deque()).append(event)

    def some(self, most: int) -> None:
        """So many steps of reading, at most."""
        while most and (waiting := sorted(name for name, queue in self._queues.items() if queue)):
            most -= 1
            queue = self._queues[self._chance.choice(waiting)]
            batch = [queue.popleft() for _ in range(min(len(queue), self._chance.randint(1, 3)))]
            if self._read and self._chance.randint(0, 7) == 0:
                batch.append(self._chance.choice(self._read))
            self._read += batch
            seen = len(self.done.emitted)
            self.done.send_batch(batch)
            for event in self.done.emitted[seen:]:
                if event.data.topic == "commands":
                    self.bring(event)


def settle(told: InMemoryWorker[Customer]) -> None:
    """The commands of a worker without loopback to itself arrive, in their order."""
    place = 0
    while place < len(told.emitted):
        event = told.emitted[place]
        place += 1
        if event.data.topic == "commands":
            told.send(event)
