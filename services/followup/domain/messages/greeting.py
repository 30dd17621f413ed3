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


@lru_cache(maxsize=1024)
def called(name: str | None) -> str:
    """The name as it is said; empty where there is none, or what stands there is no name: then nobody reads
    "Dear None" or "Dear ada@example.org"."""
    said = " ".join("".join(c if c.isprintable() else " " for c in name or "").split())
    if said.lower().strip("<>[](){}.-_ ") in _NO_NAMES or "@" in said:
        return ""
    return said if re.search(r"[^\W\d_]", said) else ""
