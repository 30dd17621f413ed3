"""How long to wait before a part that died is started again."""

from dataclasses import dataclass


@dataclass(slots=True)
class Backoff:
    """Doubles from ``first`` to ``most`` seconds; a part that ran ``stable`` seconds starts over."""

    first: float = 0.5
    most: float = 30.0
    stable: float = 60.0
    _next: float = 0.0

    def delay(self, ran_for: float) -> float:
        """Seconds to wait, given how long the part ran before it died."""
        if ran_for >= self.stable or not self._next:
            self._next = self.first
        now, self._next = self._next, min(self._next * 2, self.most)
        return now
