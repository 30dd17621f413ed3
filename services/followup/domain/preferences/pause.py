"""The gate's step for a customer who wishes to hear nothing for a while."""

from services.followup.domain.gate.question import Question
from services.followup.domain.gate.verdicts import Refuse, Verdict
from services.followup.domain.preferences.wishes import WISHED


def paused(question: Question) -> Verdict:
    """A pause that lasts still. It is told as a cap: of the customer's own, of none until then."""
    wishes = question.state.wishes
    if question.terms.sort.counts_as not in WISHED or not wishes.paused(question.now):
        return None
    return Refuse("frequency_cap", "paused at the customer's wish", wishes.paused_until)
