"""Whose ids stand together: those of the keys whose hash leaves the same remainder. Pure.

Partition p of N holds the keys whose hash leaves p when divided by N. This says what the ids stored under it
are of, however many partitions there are now: so nothing that is stored moves when their number grows. A key
that has moved is looked up under each number of partitions that there was.
"""

from math import gcd
from typing import NamedTuple


class Residue(NamedTuple):
    """The keys whose hash leaves ``number`` when divided by ``of``."""

    of: int
    number: int

    @property
    def name(self) -> str:
        return f"{self.of}:{self.number}"

    def meets(self, other: "Residue") -> bool:
        """Whether a key can be in both (the Chinese remainder theorem)."""
        return (self.number - other.number) % gcd(self.of, other.of) == 0


def parse(name: str) -> Residue:
    """The residue of this ``name``."""
    of, _, number = name.partition(":")
    return Residue(int(of), int(number))
