"""How a conversation stands for those who share out work: it wants an agent, an agent has it, or neither. A
function of what is known of the customer, whatever was heard first."""

from collections.abc import Iterator

from services.interactions.domain.complaints.standing import Standing
from services.interactions.domain.complaints.standing import standing as complaint_standing
from services.interactions.domain.conversations.conversation import Conversation
from services.interactions.domain.conversations.course import Course
from services.interactions.domain.desk.policy import NORMAL, Desk
from services.interactions.domain.routing.state import milli
from services.interactions.domain.routing.told import Had, Routed, Wanted
from services.interactions.domain.state import Customer
from shared.facts.profile import value_of


def wanted(
    desk: Desk, customer: Customer, now: Course, found: Conversation, routed: Routed | None
) -> Wanted | None:
    """What it asks for; None where it wants nobody."""
    if not found.wanted:
        return None
    team = desk.asked(found.team, found.language or value_of(customer.profile, "locale"), found.skills)
    been: tuple[str, ...] = ()
    # An overflow holds for this wait, as long as the team is asked that it began in, and the other is one.
    if routed is not None and routed.over_to is not None and routed.over_since == found.since:
        holds = routed.over_from[:1] == (team,) and desk.is_team(routed.over_to)
        team, been = (routed.over_to, routed.over_from) if holds else (team, been)
    return Wanted.model_validate(
        {
            "team": team,
            "since": found.since,
            "priority": _priority(desk, customer, found),
            "skills": found.skills,
            "preferred": found.preferred_skills,
            "language": found.language,
            "channel": found.channel,
            "takes": _takes(desk, customer, now, found),
            "difficult": difficult(desk, customer, now, found),
            "knows": found.knows or _knows(now),
            "gave_back": found.gave_back,
            "been": been,
        }
    )


def had(desk: Desk, customer: Customer, now: Course, found: Conversation) -> Had | None:
    """The agent who has it; None where nobody has, or it is over."""
    if found.handled_by != "agent" or found.agent_id is None or found.status == "closed":
        return None
    hard = difficult(desk, customer, now, found)
    return Had.model_validate(
        {
            "agent_id": found.agent_id,
            "channel": found.channel,
            "takes": _takes(desk, customer, now, found),
            "difficult": hard,
            "manual": found.manual,
        }
    )


def difficult(desk: Desk, customer: Customer, now: Course, found: Conversation) -> bool:
    """Whether it is hard on whoever takes it: its customer is angry, or has a bad complaint in it."""
    if found.sentiment is not None and found.sentiment <= desk.calm.sentiment:
        return True
    return any(one.severity in desk.calm.severities for one in _complaints(customer, now, found))


def _takes(desk: Desk, customer: Customer, now: Course, found: Conversation) -> int:
    """Thousandths of what its channel takes of an agent, by the kind of work that it is."""
    complaint = any(True for _ in _complaints(customer, now, found))
    return milli(desk.work.takes(found.skills, complaint=complaint))


def _complaints(customer: Customer, now: Course, found: Conversation) -> Iterator[Standing]:
    """Those in it that are not solved."""
    for complaint in customer.complaints:
        told = complaint.conversation_id
        if told is None or now.survivor(told) != found.conversation_id:
            continue
        stands = complaint_standing(complaint)
        if stands.open:
            yield stands


def _priority(desk: Desk, customer: Customer, found: Conversation) -> str:
    """As it was escalated with; a tier may raise it."""
    priority = found.priority or NORMAL
    tier = None if customer.loyalty is None else customer.loyalty.tier
    if tier in desk.vip.tiers:
        return min(priority, desk.vip.raise_to, key=lambda one: desk.ranks[one])
    return priority


def _knows(now: Course) -> str | None:
    """Whoever had another conversation of the customer last."""
    known = [one for one in now.open.values() if one.knows is not None]
    last = max(known, key=lambda one: (one.updated_at, one.conversation_id), default=None)
    return None if last is None else last.knows
