"""How close two names are.

The measure is the better of rapidfuzz's ``ratio`` and ``token_sort_ratio``: 100 times the normalised Indel
similarity, 2 x (characters of the longest common subsequence) / (characters of both), of the names as they
are and of their words in alphabetical order, so that ``Miller, Ann`` is ``Ann Miller``. A letter too much in
a name of ten is 95, another letter 90.
"""

import re
from collections.abc import Iterable
from unicodedata import combining, normalize

from rapidfuzz.fuzz import ratio, token_sort_ratio

CLOSE = 90
"""From here on two names are close."""
MOST_ALIKE = 10
"""Of one customer's look at others so many are suggested, the closest."""
LONGEST = 128
"""Characters of a name that are compared."""

_apart = re.compile(r"[^\w]+|_")


def compared(name: str) -> str:
    """A name as it is compared: words in lower case, without accents; empty for one without letters."""
    plain = "".join(c for c in normalize("NFKD", name.casefold()) if not combining(c))
    return " ".join(_apart.sub(" ", plain).split())[:LONGEST].strip()


def beginning(name: str) -> str:
    """The first letter of a name's first word in the alphabet: the same in whatever order the words are."""
    return min(name.split())[0]


def close(name: str, others: Iterable[tuple[str, str]]) -> list[tuple[str, int]]:
    """Of ``others`` (who, and their name as it is compared) those whose names are close, the closest first,
    and how close."""
    found = [(who, score) for who, other in others if (score := _score(name, other)) >= CLOSE]
    return sorted(found, key=lambda one: (-one[1], one[0]))[:MOST_ALIKE]


def _score(one: str, other: str) -> int:
    return int(max(ratio(one, other), token_sort_ratio(one, other)))
