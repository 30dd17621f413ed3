"""What the gate is asked, with what its steps need to know of it."""

from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from services.followup.domain.gate.reach import Way, ways_of
from services.followup.domain.policy import Policy
from services.followup.domain.rules.quiet import zone
from services.followup.domain.rules.rule import Rule
from services.followup.domain.rules.rules import Rules
from services.followup.domain.rules.times import span
from services.followup.domain.state import Customer, Planned
from shared.schemas.times import Micros, moment


class Question(NamedTuple):
    """May this message go to this customer at this time?"""

    state: Customer
    policy: Policy
    outreach: Planned
    now: Micros
    rules: Rules
    rule: Rule | None
    """None of a message by hand, and of a rule that is gone."""
    last_moment: Micros
    """Past it the message is stale."""
    where: ZoneInfo
    """Where the customer lives."""
    local: datetime
    """The time there."""
    ways: tuple[Way, ...]
    """The channels that it may go by, in the order in which they are tried."""

    def named(self, rule: str) -> Rule | None:
        """A rule of that name; one that is gone as the newest version that had it."""
        found = self.rules.rule(rule)
        if found is None and self.policy.versions:
            found = next((old for rules in self.policy.versions[::-1] if (old := rules.rule(rule))), None)
        return found


def ask(state: Customer, policy: Policy, outreach: Planned, now: Micros) -> Question:
    """The question, with what is looked up for it."""
    rules = policy.rules
    rule = rules.rule(outreach.rule)
    where = zone(state.timezone, rules.timezone)
    return Question(
        state=state,
        policy=policy,
        outreach=outreach,
        now=now,
        rules=rules,
        rule=rule,
        last_moment=outreach.due_at + span(rules.stale_of(outreach.rule, rule)),
        where=where,
        local=moment(now).astimezone(where),
        ways=ways_of(state, policy, outreach, rule, now),
    )
