"""What may be done with a complaint as it stands."""

from shared.facts.complaints import OPEN_STATUSES, TRANSITIONS, Status

NAMES = {
    "acknowledged": "acknowledge",
    "updated": "update",
    "resolved": "resolve",
    "compensated": "compensate",
    "set waiting": "wait",
    "resumed": "resume",
    "changed": "change",
    "closed": "close",
    "reopened": "reopen",
}
"""A transition's name -> the step's, as routes call it."""


def steps_of(status: Status, *, waiting: bool) -> frozenset[str]:
    """The steps that would be taken, of one that waits for the customer or does not."""
    may = {NAMES[one.name] for one in TRANSITIONS.values() if status in one.follows}
    idle = {"wait" if waiting else "resume"} if status in OPEN_STATUSES else set()
    return frozenset(may - idle)
