"""Messages from templates: Jinja2, in a sandbox, from sources that are passed in. Pure."""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, cast

from jinja2.runtime import Context
from markupsafe import escape

from services.followup.domain.messages.bundle import SUBJECT, Cut, Section
from services.followup.domain.messages.channel import Message, Thread, Writing
from services.followup.domain.messages.faults import TemplateFaultError, fault_of
from services.followup.domain.messages.strings import closure
from services.followup.domain.messages.styles import StyleFaultError, styled
from services.followup.domain.rules.quiet import zone
from services.followup.domain.rules.rule import REPLY
from services.followup.domain.state import Customer
from shared.schemas.feedback import SCORES
from shared.schemas.outreach import Survey
from shared.templates.catalogue import Catalogue
from shared.templates.greeting import called
from shared.templates.language import READER, rendered, sandbox
from shared.templates.meter import MAX_SOURCE, Meter
from shared.templates.sandbox import METER, Sandbox
from shared.templates.speech import PLAIN, Languages, Reader, Speech

_ASKED = re.compile(rf"survey_link\(\s*[\"']({'|'.join(SCORES)})[\"']")


class Templates:
    """Renders. ``sources`` maps file names (``thank-you.html``) to their text, ``catalogues`` language tags
    (``de``) to what the templates say in that language. Raises ``TemplateFaultError``."""

    def __init__(self, sources: Mapping[str, str], catalogues: Mapping[str, Catalogue] | None = None) -> None:
        self.sources = dict(sources)
        self.languages = Languages(catalogues or {})
        for name, source in sources.items():
            if len(source) > MAX_SOURCE:
                raise TemplateFaultError(f"template {name}: it has more than {MAX_SOURCE:,} characters")
        try:
            self._sandbox = sandbox(styled(sources))
        except StyleFaultError as fault:
            raise TemplateFaultError(str(fault)) from None
        self._plain = sandbox(self.sources)
        """Its lines are those of the files: for faults."""
        self.speech = lru_cache(maxsize=4096)(self._speech)
        self.divides = lru_cache(maxsize=4096)(self._divides)
        self.asks = lru_cache(maxsize=4096)(self._asks)

    def _asks(self, name: str) -> Survey | None:
        """The survey that a template links to, the first by its files; None where it has none."""
        files = (file for file in sorted(self.sources) if file.startswith(f"{name}."))
        own = (found for file in files for found, _ in closure(file, self.sources))
        asked = (_ASKED.search(self.sources[file]) for file in own)
        return next((cast(Survey, one[1]) for one in asked if one is not None), None)

    def has(self, name: str, channel: Writing) -> bool:
        """Whether the template can be sent by the channel."""
        return self.missing(name, channel) is None

    def missing(self, name: str, channel: Writing) -> str | None:
        """A file that the template lacks for the channel."""
        return next((f for f in (f"{name}.{part}" for part in channel.parts) if f not in self.sources), None)

    def file(self, name: str, part: str, speech: Speech) -> str:
        """The file of a part: ``welcome.de.txt`` stands in for ``welcome.txt`` in German."""
        own = f"{name}.{speech.language}.{part}"
        return own if own in self.sources else f"{name}.{part}"

    def _speech(self, name: str, channel: Writing, locale: str | None, default: str) -> Speech:
        """The language of a message: the customer's if all of it is there in that language, else the
        default; never two languages in one message."""
        speeches = list(self.languages.speeches(locale, default))
        for speech in speeches:
            if speech.language == Speech(default).language:
                return speech
            if all(self.speaks(self.file(name, part, speech), speech) for part in channel.parts):
                return speech
        return PLAIN

    def _divides(self, name: str, channel: Writing, language: str) -> bool:
        """Whether a message may go in one mail with others: each part of it has a block ``body``, of its own
        or its layout's, that can be taken out of what is around it."""
        files = (self.file(name, part, Speech(language)) for part in channel.parts if part != SUBJECT)
        return all(
            any(BODY in self._plain.get_template(found).blocks for found, _ in closure(file, self.sources))
            for file in files
        )

    def speaks(self, file: str, speech: Speech) -> bool:
        """Whether all that a file says is there in a language."""
        own, english = f".{speech.language}." in file, speech.language == PLAIN.language
        return all(
            (own or not found.bare) and (english or all(speech.knows(string.key) for string in found.said))
            for _, found in closure(file, self.sources)
        )

    def render(
        self,
        name: str,
        channel: Writing,
        customer: Customer,
        variables: Mapping[str, object],
        *,
        sender: str,
        unsubscribe_url: str,
        links: Mapping[str, Any] = {},
        timezone: str = "UTC",
        locale: str = PLAIN.language,
        thread: Thread | None = None,
    ) -> Message:
        """A template as the channel's message to a customer. It sees ``customer`` (id, name, locale,
        language, timezone), ``variables`` by name, ``sender`` (a name), ``unsubscribe_url`` and
        what ``links`` holds.
        ``timezone`` and ``locale`` stand in for what is not known. Raises ``TemplateFaultError``."""
        speech = self.speech(name, channel, customer.locale, locale)
        told = _shown(customer, sender, timezone, speech)
        shown = {**variables, **told, **links, "unsubscribe_url": unsubscribe_url}
        texts = {part: self._part(self.file(name, part, speech), shown) for part in channel.parts}
        return channel.write(texts, unsubscribe_url, thread)

    def section(
        self,
        name: str,
        channel: Writing,
        customer: Customer,
        variables: Mapping[str, object],
        *,
        sender: str,
        unsubscribe_url: str,
        links: Mapping[str, Any] = {},
        timezone: str = "UTC",
        locale: str = PLAIN.language,
    ) -> Section:
        """As ``render``, to go in one mail with others. Raises ``TemplateFaultError``, also where a part has
        no block ``body`` that could be taken out of it."""
        speech = self.speech(name, channel, customer.locale, locale)
        told = _shown(customer, sender, timezone, speech)
        shown = {**variables, **told, **links, "unsubscribe_url": unsubscribe_url}
        found: dict[str, Cut] = {}
        for part in channel.parts:
            file = self.file(name, part, speech)
            cut = self._cut(file, shown) if part != SUBJECT else Cut("", self._part(file, shown), "")
            if cut is None:
                raise TemplateFaultError(
                    f"template {file}: it has no block body, so it cannot go in one mail with others"
                )
            found[part] = cut
        return found

    def reply(
        self,
        channel: Writing,
        customer: Customer,
        text: str,
        thread: Thread,
        *,
        subject: str | None,
        sender: str,
        timezone: str = "UTC",
        locale: str = PLAIN.language,
    ) -> Message:
        """What an agent wrote as the channel's message: by the template ``reply``, which sees ``message``,
        ``subject`` and ``in_reply_to``; where that has no file for a part, the bare text. Raises
        ``TemplateFaultError``."""
        speech = self.speech(REPLY, channel, customer.locale, locale)
        words = {"message": text, "subject": subject, "in_reply_to": thread.in_reply_to}
        shown = {**words, **_shown(customer, sender, timezone, speech)}
        texts = {}
        for part in channel.parts:
            bare = str(escape(text)) if part.endswith("html") else text
            file = self.file(REPLY, part, speech)
            texts[part] = self._part(file, shown) if file in self.sources else bare
        return channel.write(texts, None, thread)

    def _part(self, file: str, shown: dict[str, Any]) -> str:
        try:
            return rendered(self._sandbox, file, shown)
        except Exception as error:  # what a template raises is its own fault, whatever it is
            raise fault_of(file, _again(self._plain, file, shown) or error) from error

    def _cut(self, file: str, shown: dict[str, Any]) -> Cut | None:
        try:
            return _divided(self._sandbox, file, shown)
        except Exception as error:  # as in ``_part``
            raise fault_of(file, _again(self._plain, file, shown) or error) from error


BODY = "body"
"""The block that a message says itself; what is around it is its layout's."""


class _Mark(str):
    """Stands where the block begins or ends, and writes nothing."""

    __slots__ = ()


def _divided(jinja: Sandbox, file: str, shown: dict[str, Any]) -> Cut | None:
    """The file cut at its block; None where it has none, or more than one place for it."""
    template = jinja.get_template(file)
    context = template.new_context({**jinja.globals, **shown, METER: Meter()}, shared=True)
    blocks = context.blocks.get(BODY)
    if not blocks:
        return None
    own, begin, end = blocks[0], _Mark(), _Mark()

    def marked(context: Context) -> Iterator[str]:
        yield begin
        yield from own(context)
        yield end

    blocks[0] = marked
    pieces = list(template.root_render_func(context))
    marks = [place for place, piece in enumerate(pieces) if piece is begin or piece is end]
    if len(marks) != 2:
        return None
    first, last = marks
    return Cut(*(jinja.concat(some) for some in (pieces[:first], pieces[first:last], pieces[last:])))


def _again(plain: Sandbox, file: str, shown: dict[str, Any]) -> Exception | None:
    """The same fault, where the lines are those of the file."""
    try:
        rendered(plain, file, shown)
    except Exception as error:  # as in ``_part``
        return error
    return None


def _shown(customer: Customer, sender: str, timezone: str, speech: Speech) -> dict[str, Any]:
    """What every template sees."""
    where = zone(customer.timezone, timezone)
    return {
        "customer": {
            "id": customer.customer_id,
            "name": called(customer.name),
            "locale": customer.locale or "",
            "language": speech.language,
            "timezone": where.key,
        },
        "sender": sender,
        READER: Reader(speech, where),
    }
