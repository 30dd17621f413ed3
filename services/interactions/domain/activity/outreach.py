"""What followup plans next, as its own events tell it: a message is planned until it tells an end of it."""

from services.interactions.domain.activity.kept import Planned
from services.interactions.domain.state import MAX_PLANNED, Customer, altered
from shared.schemas.outreach import OutreachData, OutreachScheduled
from shared.schemas.times import Micros, micros


def outreach_planned(customer: Customer, told: OutreachScheduled, at: Micros) -> Customer:
    """Of too many those due first are kept."""
    new = Planned(
        outreach_id=told.outreach_id, rule=told.rule, channel=told.channel, due_at=micros(told.due_at)
    )
    others = (p for p in customer.planned if p.outreach_id != told.outreach_id)
    planned = sorted((*others, new), key=_due)
    return altered(customer, planned=tuple(planned[:MAX_PLANNED]))


def outreach_ended(customer: Customer, told: OutreachData, at: Micros) -> Customer:
    """Sent, failed for good, not allowed or no longer wanted: it is planned no more."""
    left = tuple(p for p in customer.planned if p.outreach_id != told.outreach_id)
    return customer if len(left) == len(customer.planned) else altered(customer, planned=left)


def _due(planned: Planned) -> tuple[Micros, str]:
    return planned.due_at, planned.outreach_id
