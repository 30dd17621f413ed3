"""SLA clocks that ran out."""

from services.interactions.domain.state import Complaint
from shared.schemas.complaints import ComplaintSlaBreached


def already_met(old: Complaint, breach: ComplaintSlaBreached) -> bool:
    return breach.clock == "first_response" and old.acknowledged_at is not None


def without(old: Complaint, *clocks: str) -> tuple[str, ...]:
    return tuple(clock for clock in old.missed if clock not in clocks)
