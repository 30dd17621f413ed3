"""What the gate is asked, with what its steps look up of it, each at most once."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from zoneinfo import ZoneInfo

from services.followup.domain.gate.reach import Way, ways_of
from services.followup.domain.policy import Policy
from services.followup.domain.rules.quiet import zone
from services.followup.domain.rules.rule import Rule
from services.followup.domain.rules.rules import Rules
from services.followup.domain.rules.times import span
from services.followup.domain.state import Customer, Planned
from shared.schemas.times import Micros


@dataclass(frozen=True)
class Question:
    """May this message go to this customer at this time?"""

    state: Customer
    policy: Policy
    outreach: Planned
    now: Micros

    @property
    def rules(self) -> Rules:
        return self.policy.rules

    @cached_property
    def rule(self) -> Rule | None:
        """None of a message by hand, and of a rule that is gone."""
        return self.rules.rule(self.outreach.rule)

    @cached_property
    def last_moment(self) -> Micros:
        """Past it the message is stale."""
        return self.outreach.due_at + span(self.rules.stale(self.outreach.rule))

    @cached_property
    def where(self) -> ZoneInfo:
        """Where the customer lives."""
        return zone(self.state.timezone, self.rules.timezone)

    @cached_property
    def ways(self) -> tuple[Way, ...]:
        """The channels that it may go by, in the order in which they are tried."""
        return ways_of(self.state, self.policy, self.outreach, self.rule, self.now)

    @cached_property
    def by_name(self) -> Mapping[str, Rule]:
        """Rules that are gone as the newest version that has them."""
        return {rule.name: rule for rules in (*self.policy.versions, self.rules) for rule in rules.rules}
