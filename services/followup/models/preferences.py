"""The preference centre's form: what it shows of a customer, and what is read from it.

A box stands for a purpose, a channel and maybe a topic. The form says which boxes it showed and which were
ticked, so that only what was changed is asked for, whatever was said elsewhere meanwhile; and what was shown
holds: who keeps a topic and gives up the rest has the topic.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from pydantic import ValidationError

from services.followup.domain.policy import Policy
from services.followup.domain.rules.rule import DEFAULT_CHANNEL
from services.followup.domain.rules.topics import Topic
from services.followup.domain.state import Customer
from services.followup.domain.tasks import TASKS
from shared.http.linked import Words
from shared.pages.readers import LANGUAGES
from shared.schemas.commands.preferences import ConsentWord, PreferencesRequested

PURPOSES = ("marketing", "survey", "service")
"""In the order in which they are shown."""


class About(NamedTuple):
    """What a box stands for."""

    purpose: str
    channel: str
    topic: str | None

    @property
    def value(self) -> str:
        return "|".join((self.purpose, self.channel, *((self.topic,) if self.topic else ())))

    @property
    def whole(self) -> "About":
        """The purpose by the channel, whatever the topic."""
        return self._replace(topic=None)


@dataclass(frozen=True, slots=True)
class Box:
    value: str
    label: str
    wanted: bool


@dataclass(frozen=True, slots=True)
class Group:
    """The channels of one topic, or where there is one channel, the topics of it."""

    legend: str
    """Empty where the section says it all."""
    rows: tuple[Box, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """What there is of one purpose."""

    purpose: str
    title: str
    why: str
    groups: tuple[Group, ...]


def sections(say: Words, policy: Policy, customer: Customer) -> tuple[Section, ...]:
    """All that a customer may choose."""
    return tuple(_section(say, policy, customer, purpose) for purpose in PURPOSES)


def _section(say: Words, policy: Policy, customer: Customer, purpose: str) -> Section:
    channels = _channels(policy, customer, purpose)
    topics = _topics(policy, customer) if purpose == "marketing" else ()
    why = "" if purpose == "marketing" else say(f"preferences.{purpose}.why")

    def box(topic: Topic | None, channel: str, label: str) -> Box:
        about = About(purpose, channel, topic.name if topic else None)
        return Box(about.value, label, wanted(customer, policy, about))

    def by(channel: str) -> str:
        return say("preferences.by", channel=say.channel(channel))

    def words(topic: Topic | None) -> str:
        return topic.words(say.reader.language) if topic else say("preferences.rest")

    if topics and len(channels) == 1:
        (channel,) = channels
        boxes = (box(topic, channel, words(topic)) for topic in (*topics, None))
        groups, why = [Group("", tuple(boxes))], by(channel)
    else:
        groups = [
            Group(words(topic) if topics else "", tuple(box(topic, name, by(name)) for name in channels))
            for topic in (*topics, None)
        ]
    return Section(purpose, say(f"preferences.{purpose}"), why, tuple(groups))


def _topics(policy: Policy, customer: Customer) -> tuple[Topic, ...]:
    """Those of the rules file, and others that the customer has allowed."""
    listed = {topic.name for topic in policy.rules.topics}
    allowed = {c.topic for c in customer.consents if c.topic and c.granted and c.purpose == "marketing"}
    others = (Topic.model_validate({"name": name, "label": name}) for name in sorted(allowed - listed))
    return (*policy.rules.topics, *others)


def wanted(customer: Customer, policy: Policy, about: About) -> bool:
    """Whether such messages may come, as far as consent goes."""
    word = customer.word(*about)
    return word.granted if word is not None else not policy.rules.consent.must_be_granted(about.purpose)


def _channels(policy: Policy, customer: Customer, purpose: str) -> tuple[str, ...]:
    """By which messages could come, or were spoken of; e-mail always. Calls and letters only for what a rule
    has people bring by them."""
    rules = policy.rules
    spoken = {c.channel for c in customer.consents if c.channel not in TASKS or c.purpose == purpose}
    used = policy.channels.keys() - TASKS.keys()
    for rule in rules.rules:
        if any(rules.purpose(template) == purpose for template in rule.templates):
            used |= set(rule.ways)
    reached = {name for name in used & policy.channels.keys() if policy.channels[name].address(customer)}
    names = reached | (spoken & policy.channels.keys()) | {DEFAULT_CHANNEL}
    return tuple(sorted(names, key=lambda name: (name != DEFAULT_CHANNEL, name)))


def asked(form: Mapping[str, list[str]]) -> PreferencesRequested:
    """What a form changes; what makes no sense in it is nothing."""
    wish: dict[str, Any] = {"words": tuple(_words(form))}
    frequency = _last(form, "frequency")
    if frequency in ("all", "weekly", "monthly"):
        wish["frequency"] = frequency
    if "paused" in form and bool(_last(form, "paused")) != bool(_last(form, "pause")):
        wish["pause"] = bool(_last(form, "pause"))
    language = _last(form, "language")
    if language in LANGUAGES:
        wish["locale"] = language
    return PreferencesRequested.model_validate(wish)


def _words(form: Mapping[str, list[str]]) -> Iterator[ConsentWord]:
    shown = dict.fromkeys(about for value in form.get("row", ()) if (about := _about(value)) is not None)
    before = {about for about in shown if about.value in form.get("was", ())}
    after = {about for about in shown if about.value in form.get("want", ())}
    if _last(form, "stop"):
        after = {about for about in after if about.purpose != "marketing"}
    for about in shown:
        changed = (about in before) != (about in after)
        # A topic that had no word of its own goes by the whole; changed, that would take it along.
        moved = about.topic is not None and (about.whole in before) != (about.whole in after)
        parted = moved and (about in after) != (about.whole in after)
        if changed or parted:
            yield ConsentWord.model_validate({**about._asdict(), "granted": about in after})


def _about(value: str) -> About | None:
    purpose, _, rest = value.partition("|")
    channel, _, topic = rest.partition("|")
    about = About(purpose, channel, topic or None)
    try:
        ConsentWord.model_validate({**about._asdict(), "granted": True})
    except ValidationError:
        return None
    return about


def _last(form: Mapping[str, list[str]], name: str) -> str:
    return form.get(name, [""])[-1]
