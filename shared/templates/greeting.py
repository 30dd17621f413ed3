"""Names by which customers can be greeted. Pure."""

import re
from functools import lru_cache

_NO_NAMES = frozenset(
    [
        "none",
        "null",
        "nil",
        "nan",
        "undefined",
        "name",
        "firstname",
        "no",
        "unknown",
        "anonymous",
        "n/a",
        "na",
        "test",
        "customer",
        "guest",
        "user",
        "kunde",
        "unbekannt",
        "gast",
        "cliente",
        "desconocido",
        "client",
        "inconnu",
    ]
)
"""What systems write where there is no name."""
_TITLES = frozenset(["mr", "mrs", "ms", "miss", "herr", "frau", "señor", "señora", "monsieur", "madame"])
_IS_UNFILLED = re.compile(r"[@{}%$]|\[\[|<<")
"""An address, or what another system was to fill in: ``{{name}}``, ``%FIRSTNAME%``."""
_HOLES = re.compile(r"\bNone\b|\w ,|\w  \w|^ ?,", re.MULTILINE)
"""What is left of a sentence that a name was cut out of."""


@lru_cache(maxsize=1024)
def called(name: str | None) -> str:
    """The name as it is said; empty where there is none, or what stands there is no name: then nobody reads
    "Dear None" or "Dear ada@example.org"."""
    said = " ".join("".join(c if c.isprintable() else " " for c in name or "").split())
    words = [word.strip("<>[](){}.,;-_") for word in said.lower().split()]
    if _IS_UNFILLED.search(said) or all(word in _NO_NAMES or word in _TITLES for word in words if word):
        return ""
    return said if re.search(r"[^\W\d_]", said) else ""


def line_with_hole(with_name: str, without: str) -> str | None:
    """The line of a text that misses the name: None where it reads as well without one."""
    if len(_HOLES.findall(without)) <= len(_HOLES.findall(with_name)):
        return None
    return next(line.strip() for line in without.splitlines() if _HOLES.search(line))
