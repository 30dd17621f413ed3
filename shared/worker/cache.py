"""What may be in memory and need not be: of one partition, within the budget of the process."""

from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

from shared.worker.budget import Budget

E = TypeVar("E")
V = TypeVar("V")

NAME_BYTES = 120
"""A name in ``Names`` takes so many, and its length."""


class _Kept(ABC, Generic[E]):
    """Entries by name, in the order of their use. Implements ``Evictable``."""

    def __init__(self, budget: Budget, kind: str) -> None:
        self.kind = kind
        self._budget = budget
        self._entries: OrderedDict[str, E] = OrderedDict()
        self._bytes = 0
        self._joined = self._closed = False

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, name: str) -> bool:
        return name in self._entries

    @staticmethod
    @abstractmethod
    def _used(entry: E) -> int:
        """When."""

    @staticmethod
    @abstractmethod
    def _size(name: str, entry: E) -> int:
        """Bytes."""

    def clear(self) -> None:
        self._entries.clear()
        self._give(self._bytes)

    def close(self) -> None:
        """The partition is gone: what is still put in by whoever has not noticed is not kept."""
        self.clear()
        self._closed = True
        if self._joined:
            self._budget.remove(self)

    @property
    def oldest(self) -> int | None:
        for entry in self._entries.values():
            return self._used(entry)
        return None

    def evict(self, excess: int) -> int:
        used, freed = self.oldest, 0
        while freed < excess and self._entries and self.oldest == used:
            freed += self._size(*self._entries.popitem(last=False))
        self._give(freed)
        return freed

    def _take(self, size: int) -> None:
        if not self._joined:
            self._joined = True
            self._budget.add(self)
        self._bytes += size
        self._budget.take(self.kind, size)

    def _give(self, size: int) -> None:
        self._bytes -= size
        self._budget.give(self.kind, size)


class Cache(_Kept[tuple[int, int, V]]):
    """Values. Whoever works on them holds them himself: any of them may go at any time."""

    @staticmethod
    def _used(entry: tuple[int, int, V]) -> int:
        return entry[0]

    @staticmethod
    def _size(name: str, entry: tuple[int, int, V]) -> int:
        return entry[1]

    def get(self, name: str) -> V | None:
        """It is used now."""
        entry = self._entries.get(name)
        if entry is None:
            return None
        used, size, value = entry
        if used != self._budget.now:
            self._entries[name] = (self._budget.now, size, value)
            self._entries.move_to_end(name)
        return value

    def put(self, values: Iterable[tuple[str, V, int]]) -> None:
        """Names, values and bytes: used now, in place of what was there."""
        if self._closed:
            return
        entries, now, more = self._entries, self._budget.now, 0
        for name, value, size in values:
            before = entries.get(name)
            entries[name] = (now, size, value)
            more += size
            if before is not None:
                entries.move_to_end(name)
                more -= before[1]
        self._take(more)

    def pop(self, name: str) -> tuple[V, int] | None:
        """Take it out: the value and its bytes."""
        entry = self._entries.pop(name, None)
        if entry is None:
            return None
        self._give(entry[1])
        return entry[2], entry[1]


class Names(_Kept[int]):
    """A set of names, in the order in which they were put in."""

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    @staticmethod
    def _used(entry: int) -> int:
        return entry

    @staticmethod
    def _size(name: str, entry: int) -> int:
        return NAME_BYTES + len(name)

    def add(self, names: Iterable[str]) -> None:
        """Those that are there keep their place."""
        if self._closed:
            return
        entries, now, more = self._entries, self._budget.now, 0
        for name in names:
            if name not in entries:
                entries[name] = now
                more += NAME_BYTES + len(name)
        self._take(more)

    def discard(self, names: Iterable[str]) -> None:
        self._give(sum(NAME_BYTES + len(name) for name in names if self._entries.pop(name, None) is not None))
