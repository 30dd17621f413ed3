"""SLA clocks that ran out, and whose step has not been taken since."""

from services.interactions.domain.state import Complaint
from shared.schemas.complaints import ComplaintSlaBreached


def missed_after(complaint: Complaint, breach: ComplaintSlaBreached) -> tuple[str, ...]:
    """A breach changes nothing where its step overtook it, or where nobody has to act any more."""
    met = breach.clock == "first_response" and complaint.acknowledged_at is not None
    if met or not complaint.open:
        return complaint.missed
    return (*without(complaint, breach.clock), breach.clock)


def without(complaint: Complaint, *met: str) -> tuple[str, ...]:
    """The missed clocks but those whose step is taken now."""
    return tuple(clock for clock in complaint.missed if clock not in met)
