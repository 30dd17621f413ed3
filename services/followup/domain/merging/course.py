"""How customers are merged here: what ``shared.merging`` asks of the service."""

from functools import partial

from services.followup.domain.merging.handed import Handed
from services.followup.domain.merging.joining import join
from services.followup.domain.merging.parting import give_back, leave
from services.followup.domain.policy import Policy
from services.followup.domain.state import Customer
from shared.merging.course import Course


def course_of(policy: Policy) -> Course[Customer, Handed]:
    """By the policy's rules."""
    return Course(
        service="followup",
        handed=Handed,
        leave=leave,
        join=partial(join, policy),
        give_back=partial(give_back, policy),
    )
