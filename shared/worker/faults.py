"""Places where a fault test may kill the process for real.

``RAPPORT_FAULT=after_transaction:3`` sends SIGKILL to the process the third time it passes that
point. Unset, a point is one dictionary look-up.
"""

import os
import signal

_left: dict[str, int] = {}


def arm(specification: str) -> None:
    """Arm the points named in ``point:count[,point:count]``."""
    for armed in filter(None, specification.split(",")):
        name, _, count = armed.partition(":")
        _left[name] = int(count or 1)


def point(name: str) -> None:
    """Die here if a test asked for it."""
    if name not in _left:
        return
    _left[name] -= 1
    if _left[name] == 0:
        os.kill(os.getpid(), signal.SIGKILL)


arm(os.environ.get("RAPPORT_FAULT", ""))
