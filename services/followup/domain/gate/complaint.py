"""An open complaint holds what the rules say, but not what is about that complaint."""

from services.followup.domain.complaints import open_ones
from services.followup.domain.gate.question import Question
from services.followup.domain.gate.verdicts import Refuse, Verdict
from services.followup.domain.rules.rule import Rule
from services.followup.domain.state import Outreach


def open_complaint(question: Question) -> Verdict:
    """One that the message is not about."""
    state = question.state
    if question.terms.sort.counts_as not in question.rules.hold_during_complaint or not state.complaints:
        return None
    found = open_ones(state.complaints)
    if not found:
        return None
    own = complaint_of(question.outreach, question.rule)
    held = [one.complaint_id for one in found if one.complaint_id != own]
    return Refuse("open_complaint", f"{', '.join(held[:3])} is open") if held else None


def complaint_of(outreach: Outreach, rule: Rule | None) -> str | None:
    """The complaint that a message is about."""
    if outreach.of is not None:
        return outreach.of.complaint_id
    if outreach.complaint is not None:
        return outreach.complaint
    if rule is not None and rule.for_each == "complaint_id":
        return outreach.key.partition(":")[2]
    return None
