"""Every message as its reader would see it: files, and one page to look at them all, which needs nothing
beside it and runs no script."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from babel import Locale

from rapport.rules.draft import Draft
from services.followup.domain.messages.channel import Message
from services.followup.domain.messages.check import Use, bundles, divides, reader, together, uses, written
from services.followup.domain.messages.samples import TEXTS, usual
from services.followup.domain.rules.rule import CHANNEL_OF, DEFAULT_CHANNEL, Rule
from services.followup.domain.rules.rules import Rules
from services.followup.domain.state import Variable
from shared.pages.drawing import environment
from shared.templates.speech import ENGLISH

HERE = Path(__file__).parent
PAGE = "index.html"
NAME = "Ada Byron"
"""Who gets them all."""
EXAMPLES: Mapping[str, Variable] = {
    "comment": "The new lid does not close.",
    "plan": "Gold",
    "reason": "quality",
    "message": "We have asked the store, and they send you a new one on Monday.",
    "name": "Free delivery",
    "subject": "New tea has arrived",
    "text": "The shop is open until eight on Thursdays.",
    "theme": "opening hours",
    "tier": "Gold",
    "to": "Gold",
}
"""What variables of these names hold; others hold samples."""
MOST_SHOWN = 3
"""So many messages are shown as one mail."""
GSM = set(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM_LONG = set("^{}\\[~]|€\f")
"""These take two places."""
_DARK = re.compile(r"@media\s*\(prefers-color-scheme:\s*dark\)")


@dataclass(frozen=True, slots=True)
class Shot:
    """One message in one language, by one channel."""

    channel: str
    locale: str
    spoken: str
    """The language that it is in; another than ``locale`` where it is not translated."""
    message: Message

    @property
    def is_task(self) -> bool:
        """A team reads it."""
        return self.channel in CHANNEL_OF.values()

    @property
    def is_missing(self) -> bool:
        """It is not there in the language; what a team reads need not be."""
        return self.spoken != self.locale and not self.is_task

    @property
    def light(self) -> str:
        return _DARK.sub("@media not all", self.message.html)

    @property
    def dark(self) -> str:
        """As a mail program shows it whose reader has set it to dark."""
        return _DARK.sub("@media all", self.message.html)

    @property
    def length(self) -> str:
        """Of a text message."""
        characters, parts = text_parts(self.message.text)
        return f"{characters} characters, {parts} part{'' if parts == 1 else 's'}"


@dataclass(frozen=True, slots=True)
class Entry:
    """A template."""

    name: str
    purpose: str
    sent_by: str
    shots: tuple[Shot, ...]


def gallery(draft: Draft) -> dict[str, str]:
    """The files by name: ``index.html``, and ``welcome.de.txt`` for each part, language and channel of what
    the newest version of the rules may send. Raises ``TemplateFaultError``."""
    rules = draft.policy.rules
    entries = list(_entries(draft, rules))
    files = {name: text for entry in entries for shot in entry.shots for name, text in _files(entry, shot)}
    return {PAGE: _page(draft, rules, entries), **files}


def text_parts(text: str) -> tuple[int, int]:
    """(characters, parts that it is sent in) of a text message: 160 in the letters that every phone knows,
    70 in others, a few less where there are several parts."""
    if set(text) <= GSM | GSM_LONG:
        size, one, more = sum(2 if letter in GSM_LONG else 1 for letter in text), 160, 153
    else:
        size, one, more = len(text.encode("utf-16-le")) // 2, 70, 67
    return size, 1 if size <= one else -(-size // more)


def _entries(draft: Draft, rules: Rules) -> Iterator[Entry]:
    templates, channels = draft.policy.templates, draft.policy.channels
    values: dict[str, dict[str, Variable]] = {}
    for use in uses(templates, rules, channels):
        for name, value in usual(use.values).items():
            shown = EXAMPLES.get(name, TEXTS[1] if value == TEXTS[0] else value)
            values.setdefault(use.template, {}).setdefault(name, shown)
    for name, template in rules.templates.items():
        by = [rule for rule in rules.rules if name in rule.templates]
        sent_by = ", ".join([*(rule.name for rule in by), *(["an agent"] if template.manual else [])])
        idle = set(CHANNEL_OF.values()) - {way for rule in by for way in rule.ways}
        able = [ch for ch in channels.values() if templates.has(name, ch) and ch.name not in idle]
        shots = tuple(
            _shot(draft, Use(name, channel, {}), locale, values.get(name, {}))
            for channel in able
            for locale in templates.languages.tags
        )
        if shots:
            yield Entry(name, template.purpose, sent_by or "nothing", shots)
    mail = channels[DEFAULT_CHANNEL]
    for number, kind in enumerate(bundles(rules), start=1):
        joining = [rule for rule in kind if divides(templates, rule.template, mail, rules.locale, rules)]
        if len(joining) > 1:
            yield _bundle(draft, f"bundle-{number}", joining[:MOST_SHOWN], values)


def _bundle(draft: Draft, name: str, rules: list[Rule], values: dict[str, dict[str, Variable]]) -> Entry:
    """The one mail of what may fall due together."""
    policy = draft.policy
    channel = policy.channels[DEFAULT_CHANNEL]
    those = [Use(rule.template, channel, {}) for rule in rules]
    shots = []
    for locale in policy.templates.languages.tags:
        spoken = policy.templates.speech(rules[0].template, channel, locale, policy.rules.locale).language
        message = together(policy.templates, those, reader(locale, NAME), policy.rules, values)
        shots.append(Shot(DEFAULT_CHANNEL, locale, spoken, message))
    sent_by = " and ".join(rule.name for rule in rules) + ", in one e-mail"
    return Entry(name, policy.rules.purpose(rules[0].template), sent_by, tuple(shots))


def _shot(draft: Draft, use: Use, locale: str, shown: Mapping[str, Variable]) -> Shot:
    policy = draft.policy
    spoken = policy.templates.speech(use.template, use.channel, locale, policy.rules.locale).language
    message = written(policy.templates, use, reader(locale, NAME), shown, policy.rules)
    return Shot(use.channel.name, locale, spoken, message)


def _files(entry: Entry, shot: Shot) -> Iterator[tuple[str, str]]:
    name = f"{entry.name}.{shot.locale}"
    if not shot.message.html:
        yield f"{name}.{shot.channel}.txt", shot.message.text + "\n"
        return
    yield f"{name}.subject.txt", shot.message.subject + "\n"
    yield f"{name}.txt", shot.message.text
    yield f"{name}.html", shot.message.html


def _page(draft: Draft, rules: Rules, entries: list[Entry]) -> str:
    purposes = dict.fromkeys(entry.purpose for entry in entries)
    tags = draft.policy.templates.languages.tags
    return (
        environment(HERE)
        .get_template("gallery.html")
        .render(
            rules=rules.name,
            sender=rules.sender,
            languages=[(tag, language_name(tag)) for tag in tags],
            first=rules.locale if rules.locale in tags else ENGLISH,
            groups=[(one, [entry for entry in entries if entry.purpose == one]) for one in purposes],
        )
    )


def language_name(tag: str) -> str:
    """``de`` -> ``Deutsch``."""
    name = Locale.parse(tag.replace("-", "_")).display_name or tag
    return name[:1].upper() + name[1:]
