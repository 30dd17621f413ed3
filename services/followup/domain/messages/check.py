"""Templates tried before they are used: each in each language and by each channel, with samples of all
that it may be given. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from services.followup.domain.links import example_links
from services.followup.domain.messages import samples
from services.followup.domain.messages.bundle import in_one
from services.followup.domain.messages.channel import Message, Thread, Writing
from services.followup.domain.messages.faults import TemplateFaultError
from services.followup.domain.messages.strings import closure
from services.followup.domain.messages.templates import Templates
from services.followup.domain.rules.rule import CHANNEL_OF, DEFAULT_CHANNEL, REPLY, Rule
from services.followup.domain.rules.rules import Rules
from services.followup.domain.state import Customer, Variable
from shared.facts.profile import profile_told
from shared.schemas.customers import CustomerUpdated
from shared.templates.greeting import line_with_hole
from shared.templates.speech import ENGLISH

NAME = "Zoë O'Neill & <Sons>"
LINK = "https://example.org/u?a=1&b=2"


@dataclass(frozen=True, slots=True)
class Use:
    """A template that is sent by a channel, with what its variables may be."""

    template: str
    channel: Writing
    values: Mapping[str, Sequence[Variable]]


@lru_cache(maxsize=64)
def reader(locale: str, name: str | None = NAME) -> Customer:
    """A made-up customer."""
    told = profile_told({}, CustomerUpdated.model_validate({"name": name or " ", "locale": locale}), 0)
    return Customer(customer_id="customer", profile=told)


def uses(templates: Templates, rules: Rules, channels: Mapping[str, Writing]) -> Iterator[Use]:
    """Each template as it is sent: by its rules, and by hand. Raises ``TemplateFaultError`` for one that
    lacks a file for the channels of its rules, or that no channel can send."""
    for template, how in rules.templates.items():
        sent = [
            Use(template, channels[name], samples.of_rule(rule))
            for rule in rules.rules
            if template in rule.templates
            for name in rule.ways
        ]
        by_hand = [channel for channel in channels.values() if templates.has(template, channel)]
        if not sent and not by_hand:
            sent = [Use(template, channels[DEFAULT_CHANNEL], {})]
        for use in sent:
            missing = templates.missing(template, use.channel)
            if missing is not None:
                raise TemplateFaultError(f"template {template}: there is no file {missing}")
        yield from sent
        if how.manual:
            yield from (Use(template, ch, by_hand_of(templates, template, ch)) for ch in by_hand)


def by_hand_of(templates: Templates, template: str, channel: Writing) -> dict[str, Sequence[Variable]]:
    """What an agent gives a template: text, for each name that it says and nobody else fills."""
    names = {
        name
        for part in channel.parts
        for _, found in closure(f"{template}.{part}", templates.sources)
        for name in found.names
        if "." not in name
    }
    return dict.fromkeys(sorted(names), samples.TEXTS)


def asking_for(name: str, templates: Templates, rules: Rules, channels: Mapping[str, Writing]) -> str | None:
    """The first file of those that may be sent that uses a thing which every template sees."""
    for use in uses(templates, rules, channels):
        for part in use.channel.parts:
            for file, found in closure(f"{use.template}.{part}", templates.sources):
                if name in found.seen:
                    return file
    return None


def check(templates: Templates, rules: Rules, channels: Mapping[str, Writing]) -> None:
    """Render all that may be sent in every language with every sample, and a reply by each channel. Raises
    ``TemplateFaultError``."""
    if not templates.languages.has(rules.locale):
        raise TemplateFaultError(f"locale: there is no catalogue {rules.locale.split('-')[0]}.po")
    for use in uses(templates, rules, channels):
        for locale in templates.languages.tags:
            for shown in samples.sets(use.values):
                written(templates, use, reader(locale), shown, rules)
            if use.channel.name not in CHANNEL_OF.values():  # a colleague sees whom it is about
                _check_without_a_name(templates, use, locale, rules)
    for rules_of_one in bundles(rules):
        channel = channels[DEFAULT_CHANNEL]
        for locale in templates.languages.tags:
            those = [
                Use(template, channel, samples.of_rule(rule))
                for rule in rules_of_one
                for template in rule.templates
                if divides(templates, template, channel, locale, rules)
            ]
            if those:
                together(templates, those, reader(locale), rules)
    for channel in channels.values():
        if channel.name in CHANNEL_OF.values():
            continue  # what agents write is sent
        for locale in templates.languages.tags:
            for subject in (None, "Order 17"):
                templates.reply(
                    channel,
                    reader(locale),
                    str(samples.TEXTS[0]),
                    Thread("conversation", None if subject else "<m@x>"),
                    subject=subject,
                    sender=rules.sender.name,
                    locale=rules.locale,
                )


def written(
    templates: Templates, use: Use, customer: Customer, shown: Mapping[str, Variable], rules: Rules
) -> Message:
    """The message as it would be sent. Raises ``TemplateFaultError``."""
    return templates.render(
        use.template,
        use.channel,
        customer,
        shown,
        sender=rules.sender.name,
        unsubscribe_url=LINK,
        links=example_links(),
        locale=rules.locale,
        timezone=rules.timezone,
    )


def bundles(rules: Rules) -> list[list[Rule]]:
    """The rules whose messages may go in one e-mail, those of each kind together."""
    kinds: dict[tuple[str, str, str | None], list[Rule]] = {}
    for rule in rules.rules:
        if rule.bundle and DEFAULT_CHANNEL in rule.ways:
            purpose = rules.purpose(rule.template)
            kinds.setdefault((purpose, rule.counts_as(purpose), rule.topic), []).append(rule)
    return list(kinds.values())


def divides(templates: Templates, template: str, channel: Writing, locale: str, rules: Rules) -> bool:
    """Whether it may go in one mail with others in that language."""
    speech = templates.speech(template, channel, locale, rules.locale)
    return templates.divides(template, channel, speech.language)


def together(
    templates: Templates,
    those: Sequence[Use],
    customer: Customer,
    rules: Rules,
    shown: Mapping[str, Mapping[str, Variable]] = {},
) -> Message:
    """The mail in which all of these would go, with usual values, or those that are ``shown`` by template.
    Raises ``TemplateFaultError``."""
    sections = [
        templates.section(
            use.template,
            use.channel,
            customer,
            shown.get(use.template) or samples.usual(use.values),
            sender=rules.sender.name,
            unsubscribe_url=LINK,
            links=example_links(),
            locale=rules.locale,
            timezone=rules.timezone,
        )
        for use in those
    ]
    return in_one(sections, those[0].channel, LINK)


def _check_without_a_name(templates: Templates, use: Use, locale: str, rules: Rules) -> None:
    shown = next(samples.sets(use.values))
    named = written(templates, use, reader(locale), shown, rules)
    nameless = written(templates, use, reader(locale, None), shown, rules)
    for part, with_name, without in (
        ("subject", named.subject, nameless.subject),
        ("text", named.text, nameless.text),
    ):
        line = line_with_hole(with_name, without)
        if line is not None:
            raise TemplateFaultError(
                f"template {use.template}: its {part} in {locale} reads {line[:60]!r} to a customer "
                "without a name: ask {% if customer.name %}"
            )


@dataclass(frozen=True, slots=True)
class Untranslated:
    """What a template says that is not there in a language."""

    file: str
    line: int
    language: str
    text: str
    bare: bool
    """It stands outside ``{% trans %}``, where no catalogue finds it."""

    def __str__(self) -> str:
        why = "stands outside {% trans %}" if self.bare else f"is not in {self.language}.po"
        return f"template {self.file}, line {self.line}: {self.text[:60]!r} {why}"


def untranslated(
    templates: Templates, rules: Rules, channels: Mapping[str, Writing]
) -> tuple[Untranslated, ...]:
    """What is not there in each language: such a message goes in the file's language instead. Words outside
    ``{% trans %}`` are told once."""
    files = dict.fromkeys(
        (f"{use.template}.{part}", part, use.template)
        for use in uses(templates, rules, channels)
        if use.channel.name not in CHANNEL_OF.values()  # what colleagues read
        for part in use.channel.parts
    )
    for channel in channels.values():
        files.update(
            dict.fromkeys(
                (f"{REPLY}.{part}", part, REPLY)
                for part in channel.parts
                if f"{REPLY}.{part}" in templates.sources
            )
        )
    found: dict[Untranslated, None] = {}
    for speech in templates.languages.speeches(*templates.languages.tags):
        if speech.language in (ENGLISH, rules.locale.split("-")[0]):
            continue
        for _, part, template in files:
            file = templates.file(template, part, speech)
            own = f".{speech.language}." in file
            for name, strings in closure(file, templates.sources):
                lacks = [(s.line, s.one, False) for s in strings.said if not speech.knows(s.key)]
                lacks += [] if own else [(line, text, True) for line, text in strings.bare]
                for line, text, bare in lacks:
                    found[Untranslated(name, line, "" if bare else speech.language, text, bare)] = None
    return tuple(found)
