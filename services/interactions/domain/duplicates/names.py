"""How close two names are.

The measure is rapidfuzz's ``token_sort_ratio``: the words of a name in alphabetical order, so that ``Miller,
Ann`` is ``Ann Miller``, and of these 100 times the normalised Indel similarity, 2 x (characters of the
longest common subsequence) / (characters of both). A letter too much in a name of ten is 95, another letter 90.
"""

import re
from collections.abc import Iterable
from unicodedata import combining, normalize

from rapidfuzz import process
from rapidfuzz.fuzz import token_sort_ratio

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
    return " ".join(sorted(_apart.sub(" ", plain).split()))[:LONGEST].strip()


def close(name: str, others: Iterable[tuple[str, str]]) -> list[tuple[str, int]]:
    """Of ``others`` (who, and their name as it is compared) those whose names are close, the closest first,
    and how close."""
    names = dict(others)
    found = process.extract(
        name, names, scorer=token_sort_ratio, processor=None, limit=MOST_ALIKE, score_cutoff=CLOSE
    )
    return [(who, int(score)) for _, score, who in found]
