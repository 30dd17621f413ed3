"""Tells those who had spoken of a theme that it was acted upon (``feedback.acted``), some each second.

The worker of the theme's partition does it. Whom it has told stands in the act's row, which is written with
what is told in one transaction of the partition: exactly once, whoever dies. The next some are told once that
is written, so that no more than one portion waits in memory.
"""

from collections.abc import Mapping

from services.metrics.domain.acts import ACTS, Act
from services.metrics.figures_store import FiguresStore
from services.metrics.journal.partition import Partition
from shared.kafka.keys import partition_of
from shared.schemas.insights import FeedbackActed

MOST_ROWS = 2_000
"""Of ``raised`` are read at once."""


class Acting:
    """Of one worker. All of it is called in the processor's lock."""

    def __init__(self, store: FiguresStore) -> None:
        self._store = store
        self._told: dict[tuple[int, int, str], Act] = {}
        """By partition, epoch and act: what may not be written yet."""

    async def work(self, parts: Mapping[int, Partition]) -> None:
        """The next some of each act. PyMongo's errors pass through; then it is done again."""
        mine: dict[tuple[int, int, str], Act] = {}
        for act in await self._store.acts_under_way():
            part = _owner(parts, act)
            if part is None:
                continue
            key = (part.number, part.epoch, act.id)
            mine[key] = self._told.get(key, act)
            if mine[key] == act:
                rows = await self._store.raised_after(act, MOST_ROWS)
                mine[key], customers = act.further(rows, MOST_ROWS)
                # Of who is another by now that one is told: of several ids the same event, so once.
                survivors = await self._store.survivors(customers)
                for customer in dict.fromkeys(survivors.get(one, one) for one in customers):
                    part.outbox.tell(FeedbackActed(theme=act.theme, text=act.text), customer, act.at, act.id)
                part.outbox.put(ACTS, mine[key].row)
        self._told = mine


def _owner(parts: Mapping[int, Partition], act: Act) -> Partition | None:
    for part in parts.values():
        if partition_of(act.theme.encode(), part.known.residue.of) == part.number:
            return part
    return None
