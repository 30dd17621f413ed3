"""Why a complaint happened, or a customer left: texts that people write, as they count."""

from collections.abc import Mapping

from services.metrics.domain.churn_policy import OTHER
from services.metrics.domain.state import Complaint
from shared.facts.complaints import REOPENED, RESOLVED
from shared.schemas.times import Micros

LONGEST = 64
"""Characters of a name; a longer text is none, and counts as ``OTHER``."""
MOST = 20
"""The most frequent that are told by name; the rest is ``OTHER``."""


def named(text: str | None) -> str | None:
    """What a text counts as; None where there is none. What it is told as says the policy (``told_as``)."""
    name = " ".join((text or "").split())
    return (name if len(name) <= LONGEST else OTHER) or None


def most_frequent(counts: Mapping[str, int]) -> dict[str, int]:
    """The ``MOST`` most frequent, in that order; the rest is ``OTHER``, at the end, if there is any."""
    ranked = sorted((one for one in counts.items() if one[0] != OTHER), key=lambda one: (-one[1], one[0]))
    rest = counts.get(OTHER, 0) + sum(n for _, n in ranked[MOST:])
    return dict(ranked[:MOST]) | ({OTHER: rest} if rest else {})


def cause_of(complaint: Complaint) -> tuple[Micros, str] | None:
    """The root cause that the resolution that holds names, and when that was."""
    if not complaint.causes or not complaint.steps:
        return None
    resolved = None
    for step in complaint.life.taken:
        if step.kind in (RESOLVED, REOPENED):
            resolved = step.at if step.kind == RESOLVED else None
    cause = None if resolved is None else dict(complaint.causes).get(resolved)
    return None if resolved is None or cause is None else (max(resolved, complaint.steps[0][0]), cause)
