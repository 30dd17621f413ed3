"""Messages from templates: Jinja2, sandboxed, from sources that are passed in. Pure."""

from collections.abc import Mapping
from typing import Any

from jinja2 import DictLoader, StrictUndefined, TemplateError, pass_context
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import escape

from services.followup.domain.links import example_links
from services.followup.domain.messages import wording
from services.followup.domain.messages.channel import Message, Thread, Writing
from services.followup.domain.rules.quiet import zone
from services.followup.domain.rules.rule import CHANNEL_OF, DEFAULT_CHANNEL, REPLY
from services.followup.domain.rules.rules import Rules
from services.followup.domain.state import Customer
from shared.facts.profile import profile_told
from shared.schemas.customers import CustomerUpdated


class TemplateFaultError(Exception):
    """A template is missing, wrong, or misses a variable. The text says which and why, without a stop."""


@pass_context
def _date(context: Context, value: object) -> str:
    """The date where the customer lives."""
    return wording.date(value, zone(context["customer"]["timezone"], "UTC"))


@pass_context
def _moment(context: Context, value: object) -> str:
    """The date and the time where the customer lives."""
    return wording.moment(value, zone(context["customer"]["timezone"], "UTC"))


FILTERS = {
    "counted": wording.counted,
    "date": _date,
    "moment": _moment,
    "money": wording.money,
    "number": wording.number,
}


class Templates:
    """Renders. ``sources`` maps file names (``thank-you.html``) to their text."""

    def __init__(self, sources: Mapping[str, str]) -> None:
        self._sources = dict(sources)
        self._environment = ImmutableSandboxedEnvironment(
            loader=DictLoader(self._sources),
            autoescape=lambda name: bool(name and name.endswith(".html")),
            undefined=StrictUndefined,
            finalize=lambda value: "" if value is None else value,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters.update(FILTERS)

    def has(self, name: str, channel: Writing) -> bool:
        """Whether the template can be sent by the channel."""
        return self._missing(name, channel) is None

    def _missing(self, name: str, channel: Writing) -> str | None:
        return next((f for f in (f"{name}.{part}" for part in channel.parts) if f not in self._sources), None)

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
    ) -> Message:
        """A template as the channel's message to a customer. It sees ``customer`` (id, name, locale,
        timezone), ``variables`` by name, ``sender`` (a name), ``unsubscribe_url`` and what ``links``
        holds (``for_template``). ``timezone`` stands in for one that is not known. Raises
        ``TemplateFaultError``."""
        told = _shown(customer, sender, timezone)
        shown = {**variables, **told, **links, "unsubscribe_url": unsubscribe_url}
        texts = {part: self._part(f"{name}.{part}", shown) for part in channel.parts}
        return channel.write(texts, unsubscribe_url)

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
    ) -> Message:
        """What an agent wrote as the channel's message: by the template ``reply``, which sees ``message``,
        ``subject`` and ``in_reply_to``; where that has no file for a part, the bare text. Raises
        ``TemplateFaultError``."""
        words = {"message": text, "subject": subject, "in_reply_to": thread.in_reply_to}
        shown = {**words, **_shown(customer, sender, timezone)}
        texts = {}
        for part in channel.parts:
            bare = str(escape(text)) if part.endswith("html") else text
            file = f"{REPLY}.{part}"
            texts[part] = self._part(file, shown) if file in self._sources else bare
        return channel.write(texts, None, thread)

    def _part(self, file: str, shown: Mapping[str, Any]) -> str:
        try:
            return self._environment.get_template(file).render(shown)
        except (TemplateError, ArithmeticError, LookupError, TypeError, ValueError) as error:
            reason = f"no file {error}" if str(error) == file else str(error)
            raise TemplateFaultError(f"template {file}: {reason}") from error

    def check(self, rules: Rules, channels: Mapping[str, Writing]) -> None:
        """See that every template can be sent by the channels of its rules, and one that no rule sends by
        some channel; render what each rule sends with made-up values, and without those that may be left out,
        and a reply by each channel. Raises ``TemplateFaultError``."""
        for template in rules.templates:
            used = [channels[rule.channel] for rule in rules.rules if template in rule.templates]
            if not used and any(self.has(template, channel) for channel in channels.values()):
                continue
            for channel in used or [channels[DEFAULT_CHANNEL]]:
                missing = self._missing(template, channel)
                if missing is not None:
                    raise TemplateFaultError(f"template {template}: there is no file {missing}")
        told = profile_told({}, CustomerUpdated(name="Name"), 0)
        nobody = Customer(customer_id="customer", profile=told)
        sender = rules.sender.name
        for rule in rules.rules:
            whole = dict.fromkeys(rule.variables, "value")
            for shown in (whole, {**whole, **dict.fromkeys(rule.optional)}):
                for template in rule.templates:
                    self.render(
                        template,
                        channels[rule.channel],
                        nobody,
                        shown,
                        sender=sender,
                        unsubscribe_url="https://example.org/u",
                        links=example_links(),
                    )
        for channel in channels.values():
            if channel.name in CHANNEL_OF.values():
                continue  # what agents write is sent
            self.reply(channel, nobody, "value", Thread("conversation", None), subject=None, sender=sender)


def _shown(customer: Customer, sender: str, timezone: str) -> dict[str, Any]:
    """What every template sees."""
    return {
        "customer": {
            "id": customer.customer_id,
            "name": customer.name,
            "locale": customer.locale or "",
            "timezone": zone(customer.timezone, timezone).key,
        },
        "sender": sender,
    }
