"""A conversation ends with the complaints that name it: what they come to are steps of it, made anew whenever
one of them changes."""

from services.interactions.domain.conversations.folds import changed
from services.interactions.domain.conversations.known import ConversationStep
from services.interactions.domain.state import Complaint, Customer, altered
from services.interactions.domain.telling import Change
from shared.facts.complaints import CLOSED, REOPENED, RESOLVED
from shared.schemas.times import Micros

WORDS = {RESOLVED: "resolved", CLOSED: "closed", REOPENED: "reopened"}
MOST = 10
"""Of one complaint; beyond that the oldest are left out."""


def with_settled(before: Customer, change: Change, now: Micros) -> Change:
    """``change``, and what it means for the conversations that complaints name."""
    if change.customer.complaints is before.complaints:
        return change
    known = {id(complaint) for complaint in before.complaints}
    for complaint in change.customer.complaints:
        if id(complaint) not in known and complaint.conversation_id is not None:
            change = _with_one(change, complaint, complaint.conversation_id, now)
    return change


def _with_one(change: Change, complaint: Complaint, conversation_id: str, now: Micros) -> Change:
    customer = change.customer
    steps = customer.conversations.steps
    opening = next((s for s in steps if _opened_with(s, complaint)), None)
    if opening is None:  # its conversation was forgotten
        return change
    name = complaint.complaint_id
    old = tuple(s for s in steps if s.kind == "settled" and s.complaint_id == name)
    new = _steps(complaint, conversation_id)
    if old == new and opening.complaint_id is not None:
        return change
    named = altered(opening, complaint_id=name)
    kept = (named if s is opening else s for s in steps if s not in old)
    more = altered(customer.conversations, steps=(*kept, *new))
    talk, _ = changed(customer, more, conversation_id, now)
    return change._replace(customer=talk.customer, rows=(*change.rows, *talk.rows))


def _opened_with(step: ConversationStep, complaint: Complaint) -> bool:
    """Whether a complaint made this step. Before complaints were named in them, time tells."""
    if step.kind != "complained" or step.conversation_id != complaint.conversation_id:
        return False
    return step.complaint_id == complaint.complaint_id or (
        step.complaint_id is None and step.at == complaint.opened_at
    )


def _steps(complaint: Complaint, conversation_id: str) -> tuple[ConversationStep, ...]:
    taken = [step for step in complaint.life.taken if step.kind in WORDS][-MOST:]
    return tuple(
        ConversationStep(
            key=f"{complaint.complaint_id} {place:02}",
            at=max(step.at, complaint.opened_at),
            kind="settled",
            conversation_id=conversation_id,
            to=WORDS[step.kind],
            complaint_id=complaint.complaint_id,
        )
        for place, step in enumerate(taken)
    )
