"""How many histories a property tries."""

import os

_TRIED = os.environ.get("RAPPORT_EXAMPLES")
LEAST = 20


def examples(usual: int) -> int:
    """A third of ``usual`` with ``make unit``, other ones each time; all with ``make long``, which asks for
    ``usual``; as many as ``make properties``, or somebody else, asks for."""
    if _TRIED == "usual":
        return usual
    return int(_TRIED) if _TRIED else min(usual, max(LEAST, usual // 3))
