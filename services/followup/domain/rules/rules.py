"""The outreach rules as data: what the YAML file may say, checked when it is read."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from services.followup.domain.conditions.expression import Expression
from services.followup.domain.deliverability.limits import GuardPolicy, SoftBounces, WarmUp
from services.followup.domain.history.learning import Subject, classes_of
from services.followup.domain.rules.caps import FrequencyCap
from services.followup.domain.rules.course import Share, said_at
from services.followup.domain.rules.events import data_class
from services.followup.domain.rules.hours import Window
from services.followup.domain.rules.quiet import QuietHours
from services.followup.domain.rules.rates import RateLimit
from services.followup.domain.rules.rule import REPLY, Name, Purpose, Rule
from services.followup.domain.rules.starts import Dated, profile_of, subjects_of
from services.followup.domain.rules.suggestions import SUGGESTED, USUAL, Suggestions
from services.followup.domain.rules.surveys import Surveys
from services.followup.domain.rules.times import Duration, Instant
from services.followup.domain.rules.topics import Topic
from shared.schemas.base import Data, Id, Strict
from shared.schemas.faults import fault
from shared.schemas.fields import Locale, Timezone

REPLY_TRIED = timedelta(days=5)
"""How long it is tried to send an agent's reply, as mail servers do."""


_NAMED: dict[int, tuple[tuple[Rule, ...], Mapping[str, Rule]]] = {}
"""The rules of a file by name, by the identity of their tuple: each decision asks several times."""
MOST_NAMED = 100


class ConsentPolicy(Strict):
    """Whether a purpose needs a granted consent, or only the absence of a refusal.

    Marketing always needs it granted."""

    service: Literal["granted", "not_refused"] = "not_refused"
    survey: Literal["granted", "not_refused"] = "granted"

    def must_be_granted(self, purpose: str) -> bool:
        return {"service": self.service, "survey": self.survey}.get(purpose, "granted") == "granted"


class Mailbox(Strict):
    """Whom the messages come from."""

    name: Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\r\n]+$")]
    address: Annotated[str, Field(pattern=r"^[^@\s<>\"]+@[^@\s<>\"]+$", max_length=254)]


class Template(Strict):
    """A message that may be sent: a file ``<name>.<part>`` per part of its channels, as ``note.txt``."""

    purpose: Purpose
    manual: bool = False
    """Whether ``POST /outreach`` may send it."""


class Rules(Strict):
    """The whole file."""

    name: Name
    effective: Instant | None = None
    """Triggers from this instant on are judged by this version; none: from the beginning."""
    sender: Mailbox
    timezone: Timezone = "UTC"
    """Of customers whose own is not known."""
    locale: Locale = "en"
    """Likewise, and of templates that are not there in the customer's own language."""
    quiet_hours: QuietHours | None = None
    send_windows: Mapping[Purpose, Window] = {}
    """When messages of a purpose may go, in the customer's local time."""
    frequency_cap: FrequencyCap | None = None
    caps: tuple[FrequencyCap, ...] = ()
    """More of them; each holds."""
    outranked_within: Duration = timedelta(hours=12)
    """A due message yields to one of higher priority that falls due within this, under the same cap."""
    bundle_within: Duration = timedelta(hours=12)
    """What falls due within this of the first goes in one e-mail, where rules say ``bundle``."""
    stale_after: Duration = timedelta(days=3)
    """What should have been sent longer ago than this is not sent any more."""
    consent: ConsentPolicy = ConsentPolicy()
    soft_bounces: SoftBounces = SoftBounces()
    rate_limits: Mapping[Name, RateLimit] = {}
    """By channel: how many messages it may send in a time, all workers together."""
    guard: GuardPolicy | None = GuardPolicy()
    """Null: nothing pauses."""
    warm_up: WarmUp | None = None
    hold_during_complaint: frozenset[Purpose] = frozenset({"marketing", "survey"})
    """Purposes that are not sent to a customer who has an open complaint, but about that."""
    team: Id | None = None
    """Who gets the tasks of rules that name no team, and those that are asked for by hand."""
    surveys: Surveys = Surveys()
    suggestions: Suggestions = USUAL
    holdout: Share | None = None
    """The share of customers who get no marketing at all, for comparison."""
    topics: tuple[Topic, ...] = ()
    """What customers choose among in the preference centre."""
    templates: dict[Name, Template]
    rules: tuple[Rule, ...]

    @field_validator("rules")
    @classmethod
    def _consistent(cls, value: tuple[Rule, ...], info: ValidationInfo) -> tuple[Rule, ...]:
        names = [rule.name for rule in value]
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise ValueError(f"two rules are named {min(twice)}")
        for place, rule in enumerate(value):
            for where, template in said_at(rule.template, rule) if "templates" in info.data else ():
                if template not in info.data["templates"]:
                    raise fault(f"[{place}].{where}", f"there is no template {template} under templates")
                _check_class(place, rule, template, info.data["templates"][template].purpose)
            _check_bundle(place, rule)
            _check_topic(place, rule, info.data.get("topics", ()))
            if rule.task is not None and (rule.task.team or info.data.get("team")) is None:
                raise fault(f"[{place}].task.team", "name one, or a team for the whole file")
        _check_groups(value, (info.data.get("frequency_cap"), *info.data.get("caps", ())))
        return value

    @property
    def all_caps(self) -> tuple[FrequencyCap, ...]:
        return self.caps if self.frequency_cap is None else (self.frequency_cap, *self.caps)

    def send_window(self, purpose: str) -> Window | None:
        return next((window for name, window in self.send_windows.items() if name == purpose), None)

    @property
    def by_name(self) -> Mapping[str, Rule]:
        found = _NAMED.get(id(self.rules))
        if found is None or found[0] is not self.rules:
            if len(_NAMED) >= MOST_NAMED:
                _NAMED.clear()
            found = _NAMED[id(self.rules)] = (self.rules, {rule.name: rule for rule in self.rules})
        return found[1]

    def rule(self, name: str) -> Rule | None:
        return self.by_name.get(name)

    def topic(self, name: str, language: str) -> str:
        """What customers read of a topic; its name, where the file does not list it."""
        return next((topic.words(language) for topic in self.topics if topic.name == name), name)

    def purpose(self, template: str) -> Purpose:
        return self.templates[template].purpose

    def counts_as(self, rule: str, purpose: str) -> str:
        """What a message of the rule is to caps, holds, the guard and what is suppressed: its class."""
        found = self.rule(rule)
        return purpose if found is None else found.counts_as(purpose)

    def stale(self, rule: str) -> timedelta:
        """How long after its due time an outreach of this rule may still be sent."""
        return self.stale_of(rule, self.rule(rule))

    def stale_of(self, name: str, rule: Rule | None) -> timedelta:
        """Likewise, where the rule of that name, if there is one, is at hand."""
        if name == REPLY:
            return REPLY_TRIED
        return self.stale_after if rule is None or rule.stale_after is None else rule.stale_after

    def horizon(self) -> timedelta:
        """How far back sends matter."""
        intervals = [rule.at_most_one_in for rule in self.rules if rule.at_most_one_in]
        return max([*intervals, *(cap.rolling for cap in self.all_caps), timedelta(0)])

    def subjects(self) -> frozenset[Subject]:
        """What of a customer's past the rules ask about, so that it is kept."""
        started = {subject for _, start in self.dated for subject in subjects_of(start)}
        if any(SUGGESTED in rule.events for rule in self.rules):
            started.add("baskets")
        return frozenset(started).union(*(one.subjects for one in self._conditions()))

    def profile_fields(self) -> frozenset[str]:
        """What of the profile the rules ask about."""
        dated = frozenset(field for _, start in self.dated for field in profile_of(start))
        return dated.union(*(one.profile for one in self._conditions()))

    def names_sends(self) -> bool:
        """Whether the rules ask what was sent."""
        return any("sends" in one.use.variables | one.use.wholes for one in self._conditions())

    def _conditions(self) -> Iterator[Expression]:
        for rule in self.rules:
            yield from rule.conditions

    def event_classes(self) -> Iterator[type[Data]]:
        """Every event class that a rule starts or stops at, or asks about."""
        for rule in self.rules:
            for name in (*rule.events, *rule.cancel_on, *rule.awaited_events):
                yield data_class(name)
        yield from classes_of(self.subjects())

    @property
    def dated(self) -> tuple[tuple[Rule, Dated], ...]:
        """The rules that come at times which the customer's data say, each with each such trigger."""
        return tuple((rule, start) for rule in self.rules for start in rule.dated)


def _check_topic(place: int, rule: Rule, topics: tuple[Topic, ...]) -> None:
    """Customers refuse a topic by its name: under another they would get it all the same."""
    if topics and rule.topic is not None and rule.topic not in {topic.name for topic in topics}:
        raise fault(f"[{place}].topic", f"there is no topic {rule.topic} under topics")


def _check_bundle(place: int, rule: Rule) -> None:
    if rule.bundle and rule.urgent:
        raise fault(f"[{place}].bundle", "what is urgent does not wait for others")


def _check_class(place: int, rule: Rule, template: str, purpose: Purpose) -> None:
    if rule.class_ == "service" and purpose == "marketing":
        raise fault(f"[{place}].class", f"what {template} says is marketing, not service")
    if rule.urgent and rule.counts_as(purpose) != "service":
        raise fault(f"[{place}].urgent", "only what is of class service can be urgent")


def _check_groups(rules: tuple[Rule, ...], caps: tuple[FrequencyCap | None, ...]) -> None:
    groups = {rule.group for rule in rules}
    for cap in caps:
        if cap is not None and cap.group not in (None, *groups):
            raise ValueError(f"caps: no rule is of the group {cap.group}")
