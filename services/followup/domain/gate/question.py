"""What the gate is asked, with what its steps need to know of it."""

from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from services.followup.domain.gate.reach import Way, the_way, ways_of
from services.followup.domain.policy import Policy
from services.followup.domain.rules.quiet import zone
from services.followup.domain.rules.rule import Rule
from services.followup.domain.rules.rules import Rules
from services.followup.domain.rules.terms import Terms
from services.followup.domain.state import Customer, Planned
from shared.schemas.times import Micros, moment


class Question(NamedTuple):
    """May this message go to this customer at this time?"""

    state: Customer
    policy: Policy
    outreach: Planned
    now: Micros
    rules: Rules
    terms: Terms
    """What the rules say of it."""
    rule: Rule | None
    """Its terms'."""
    last_moment: Micros
    """Past it the message is stale."""
    where: ZoneInfo
    """Where the customer lives."""
    ways: tuple[Way, ...]
    """The channels that it may go by, in the order in which they are tried."""
    way: Way | None
    """The first of them that consent allows and whose address can be used."""

    @property
    def local(self) -> datetime:
        """The time where the customer lives."""
        return moment(self.now).astimezone(self.where)


def ask(state: Customer, policy: Policy, outreach: Planned, now: Micros) -> Question:
    """The question, with what is looked up for it."""
    rules, terms = policy.rules, policy.terms(outreach)
    ways = ways_of(state, policy, outreach, terms, now)
    return Question(
        state=state,
        policy=policy,
        outreach=outreach,
        now=now,
        rules=rules,
        terms=terms,
        rule=terms.rule,
        last_moment=outreach.due_at + terms.stale,
        where=zone(state.timezone, rules.timezone),
        ways=ways,
        way=the_way(ways),
    )
