"""What the domain is given besides state and events: the rules, the templates, the channels, how links are
made."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from services.followup.domain.history.learning import Subject
from services.followup.domain.journeys.versions import every_rule, in_force, start_of
from services.followup.domain.links import Links
from services.followup.domain.messages.channel import Writing
from services.followup.domain.messages.templates import Templates
from services.followup.domain.rules.rates import RateLimit
from services.followup.domain.rules.rule import Rule
from services.followup.domain.rules.rules import Rules
from services.followup.domain.rules.suggestions import Suggestions
from services.followup.domain.rules.terms import Sort, Terms, sort_of, terms_of
from services.followup.domain.state import PROFILE, Outreach
from shared.schemas.times import Micros

MOST_KNOWN = 10_000
"""How much is remembered of what the rules say: names of rules that are gone may be many."""


@dataclass(frozen=True, slots=True)
class Policy:
    """One service's configuration, as plain data and pure functions."""

    rules: Rules
    """The version of the file that holds (``at``)."""
    templates: Templates
    channels: Mapping[str, Writing]
    """By name; all that a rule of ``rules`` names are there."""
    links: Links
    event_time: bool = False
    """The stream clock: a message counts as sent when it was decided, however long its channel then takes,
    so that a replay gives the same result at any speed."""
    versions: tuple[Rules, ...] = ()
    """All of the file, the oldest first; none where it has but one, which always holds."""
    erased_by: bytes = b""
    """The key of what is kept of the erased."""
    subjects: frozenset[Subject] = field(init=False)
    """What of a customer's past is kept."""
    profile: frozenset[str] = field(init=False)
    """The fields of a profile that are kept."""
    _terms: dict[tuple[str, str, str], Terms] = field(
        init=False, repr=False, compare=False, default_factory=dict
    )
    _sorts: dict[tuple[str, str], Sort] = field(init=False, repr=False, compare=False, default_factory=dict)
    _by_version: dict[int, "Policy"] = field(init=False, repr=False, compare=False, default_factory=dict)
    """By the identity of its rules, which ``versions`` keep: one policy each, so that its terms are put
    together once, whichever of them is asked."""

    def __post_init__(self) -> None:
        past = frozenset[Subject]().union(*(rules.subjects() for rules in self.every))
        asked = PROFILE.union(*(rules.profile_fields() for rules in self.every))
        object.__setattr__(self, "subjects", past)
        object.__setattr__(self, "profile", asked)

    def terms(self, outreach: Outreach) -> Terms:
        """What ``rules`` say of a message."""
        about = (outreach.rule, outreach.purpose, outreach.template)
        found = self._terms.get(about)
        if found is None:
            if len(self._terms) >= MOST_KNOWN:
                self._terms.clear()
            found = self._terms[about] = terms_of(self.rules, *about)
        return found

    def sort(self, rule: str, purpose: str) -> Sort:
        """What a message counts as that a rule of that name has sent, or will."""
        found = self._sorts.get((rule, purpose))
        if found is None:
            if len(self._sorts) >= MOST_KNOWN:
                self._sorts.clear()
            found = self._sorts[rule, purpose] = sort_of(self.named(rule), purpose)
        return found

    def named(self, rule: str) -> Rule | None:
        """A rule of that name; one that is gone as the newest version that had it."""
        found = self.rules.rule(rule)
        if found is None and self.versions:
            found = next((old for rules in self.versions[::-1] if (old := rules.rule(rule))), None)
        return found

    def at(self, instant: Micros) -> "Policy":
        """The policy by the version in force at ``instant``: what a trigger of then starts goes by it."""
        if not self.versions:  # most often, and each event asks several times
            return self
        rules = in_force(self.versions, instant)
        if rules is self.rules:
            return self
        found = self._by_version.get(id(rules))
        if found is None:
            self._by_version[id(self.rules)] = self
            found = self._by_version[id(rules)] = replace(self, rules=rules)
            object.__setattr__(found, "_by_version", self._by_version)
        return found

    def version(self, instant: Micros) -> Micros | None:
        """What names the version in force at ``instant``: its start; None where there is but one."""
        return start_of(in_force(self.versions, instant)) if self.versions else None

    def rate_limit(self, channel: str, at: Micros) -> RateLimit | None:
        """Of the version in force then; None where the channel may send as fast as it can."""
        return self.at(at).rules.rate_limits.get(channel)

    @property
    def suggestions(self) -> Suggestions:
        """How purchases are counted by product: one way at a time, so that what is taken back was counted."""
        return self.every[-1].suggestions

    @property
    def every(self) -> tuple[Rules, ...]:
        """All versions, the oldest first."""
        return self.versions or (self.rules,)

    def rule(self, name: str, at: Micros) -> Rule | None:
        """The rule by the version in force ``at`` then, else by the newest that has it."""
        found = self.at(at).rules.rule(name)
        if found is None and self.versions:
            found = next(iter(every_rule(self.versions, name)[::-1]), None)
        return found
