"""How many histories a property tries."""

import os

_TRIED = os.environ.get("RAPPORT_EXAMPLES")


def examples(usual: int) -> int:
    """``usual`` with the unit tests; more where ``make properties``, or somebody, asks for more."""
    return int(_TRIED) if _TRIED else usual
