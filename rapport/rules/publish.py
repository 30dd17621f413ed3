"""What publishing a draft touches: who is in the middle of a rule that it changes, and which variables its
messages would leave empty."""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from rapport.rules.draft import Draft
from services.followup.domain.messages.bundle import Section
from services.followup.domain.messages.channel import Message, Writing
from services.followup.domain.messages.faults import TemplateFaultError
from services.followup.domain.messages.strings import closure
from services.followup.domain.messages.templates import Templates
from services.followup.domain.policy import Policy
from services.followup.domain.rules.rule import Rule
from services.followup.domain.rules.times import due
from services.followup.domain.state import Customer
from shared.schemas.times import Micros

GIVEN = frozenset({"customer.id", "customer.timezone", "customer.locale", "customer.language"})
"""What every message has, or does well without."""


@dataclass(slots=True)
class Between:
    """Customers for whom something of a rule is planned when the recording ends."""

    rule: str
    change: str
    """``changed``, or ``taken out``."""
    fields: tuple[str, ...] = ()
    """What is changed in it."""
    customers: set[str] = field(default_factory=set)
    messages: int = 0
    first: Micros | None = None
    last: Micros | None = None
    """When the first and the last is due."""

    def add(self, customer: str, due_at: Micros) -> None:
        self.customers.add(customer)
        self.messages += 1
        self.first = due_at if self.first is None else min(self.first, due_at)
        self.last = due_at if self.last is None else max(self.last, due_at)


def between(states: Mapping[str, Customer], baseline: Draft, draft: Draft) -> list[Between]:
    """Of each rule that is changed or taken out, who is in the middle of it; rules of which nobody is are
    there too."""
    old, new = baseline.newest, draft.newest
    found: dict[str, Between] = {}
    for rule in old.rules:
        other = new.rule(rule.name)
        if other is None:
            found[rule.name] = Between(rule.name, "taken out")
        elif (changed := _changed(rule, other)) or old.purpose(rule.template) != new.purpose(other.template):
            found[rule.name] = Between(rule.name, "changed", changed or ("purpose",))
    for customer, state in states.items():
        for planned in state.planned:
            if planned.rule in found:
                found[planned.rule].add(customer, planned.due_at)
        for journey in state.journeys:
            # While a message of it is planned, that is counted.
            if journey.wakes is not None and journey.first.rule in found:
                found[journey.first.rule].add(customer, journey.wakes)
        for anchor in state.anchors:
            rule_of = old.rule(anchor.rule)
            if anchor.armed and anchor.rule in found and rule_of is not None:
                found[anchor.rule].add(customer, due(anchor.at, rule_of.delay))
    return list(found.values())


def _changed(rule: Rule, other: Rule) -> tuple[str, ...]:
    """The fields in which two rules of a name differ, but for what is only said of them."""
    one, two = rule.model_dump(), other.model_dump()
    return tuple(name for name in one if name != "description" and one[name] != two.get(name))


@dataclass(slots=True)
class Empties:
    """How often what a template names had no value."""

    written: Counter[str] = field(default_factory=Counter)
    """Messages, by template."""
    empty: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By template and variable, such as ``customer.name``."""
    unwritable: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By template and what is wrong."""


class Watched(Templates):
    """Templates that count what they are given."""

    def __init__(self, watched: Templates) -> None:
        # All that it is made of, so that it renders as the watched one does, whatever that holds.
        self.__dict__.update(watched.__dict__)
        self.empties = Empties()
        self._named: dict[tuple[str, str], frozenset[str]] = {}

    def policy(self, policy: Policy) -> Policy:
        """With these templates."""
        return replace(policy, templates=self)

    def render(
        self,
        name: str,
        channel: Writing,
        customer: Customer,
        variables: Mapping[str, object],
        **told: Any,
    ) -> Message:
        with self._watched(name, channel, customer, variables):
            return super().render(name, channel, customer, variables, **told)

    def section(
        self,
        name: str,
        channel: Writing,
        customer: Customer,
        variables: Mapping[str, object],
        **told: Any,
    ) -> Section:
        with self._watched(name, channel, customer, variables):
            return super().section(name, channel, customer, variables, **told)

    @contextmanager
    def _watched(
        self, name: str, channel: Writing, customer: Customer, variables: Mapping[str, object]
    ) -> Iterator[None]:
        key = (name, channel.name)
        if key not in self._named:
            self._named[key] = self._names(name, channel)
        self.empties.written[name] += 1
        for variable in self._named[key]:
            value = getattr(customer, variable.partition(".")[2], None) if "." in variable else None
            if (value if "." in variable else variables.get(variable)) in (None, ""):
                self.empties.empty[name, variable] += 1
        try:
            yield
        except Exception as fault:  # counted, whatever it is, and raised as it came
            self.empties.unwritable[name, str(fault)] += 1
            raise

    def _names(self, name: str, channel: Writing) -> frozenset[str]:
        """The variables that the template and its layouts name; of the customer, the fields."""
        try:
            files = [found for part in channel.parts for found in closure(f"{name}.{part}", self.sources)]
        except TemplateFaultError:  # it is told where it is rendered
            return frozenset()
        return frozenset().union(*(strings.names for _, strings in files)) - GIVEN
