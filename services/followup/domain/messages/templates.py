"""Messages from templates: Jinja2, sandboxed, from sources that are passed in. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jinja2 import DictLoader, StrictUndefined, TemplateError, pass_context
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from services.followup.domain.messages import wording
from services.followup.domain.rules.quiet import zone
from services.followup.domain.rules.rules import Rules
from services.followup.domain.state import Customer

PARTS = ("subject.txt", "txt", "html")
SUBJECT_LIMIT = 200


class TemplateFault(Exception):
    """A template is missing, wrong, or misses a variable. The text is a sentence for people."""


@dataclass(frozen=True, slots=True)
class Message:
    """A rendered message."""

    subject: str
    """One line."""
    text: str
    html: str


@pass_context
def _date(context: Context, value: object) -> str:
    """The date where the customer lives."""
    return wording.date(value, zone(context["customer"]["timezone"], "UTC"))


FILTERS = {"counted": wording.counted, "date": _date, "money": wording.money, "number": wording.number}


class Templates:
    """Renders. ``sources`` maps file names (``thank-you.html``) to their text."""

    def __init__(self, sources: Mapping[str, str]) -> None:
        self._sources = dict(sources)
        self._environment = ImmutableSandboxedEnvironment(
            loader=DictLoader(self._sources),
            autoescape=lambda name: bool(name and name.endswith(".html")),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters.update(FILTERS)

    def render(
        self,
        name: str,
        customer: Customer,
        variables: Mapping[str, Any],
        *,
        sender: str,
        unsubscribe_url: str,
        timezone: str = "UTC",
    ) -> Message:
        """A template for a customer. It sees ``customer`` (id, name, locale, timezone), ``variables`` by
        name, ``sender`` (a name) and ``unsubscribe_url``. ``timezone`` stands in for one that is not known.
        Raises ``TemplateFault``."""
        shown = {
            **variables,
            "customer": {
                "id": customer.customer_id,
                "name": customer.name or "",
                "locale": customer.locale or "",
                "timezone": zone(customer.timezone, timezone).key,
            },
            "sender": sender,
            "unsubscribe_url": unsubscribe_url,
        }
        subject, text, html = (self._part(name, part, shown) for part in PARTS)
        return Message(" ".join(subject.split())[:SUBJECT_LIMIT], text.strip() + "\n", html.strip() + "\n")

    def _part(self, name: str, part: str, shown: Mapping[str, Any]) -> str:
        try:
            return self._environment.get_template(f"{name}.{part}").render(shown)
        except (TemplateError, ArithmeticError, LookupError, TypeError, ValueError) as error:
            reason = f"no file {error}" if str(error) == f"{name}.{part}" else str(error)
            raise TemplateFault(f"template {name}.{part}: {reason}") from error

    def check(self, rules: Rules) -> None:
        """Render what each rule sends with made-up values. Raises ``TemplateFault``."""
        nobody = Customer(customer_id="customer", name="Name")
        for template in rules.templates:
            for part in PARTS:
                if f"{template}.{part}" not in self._sources:
                    raise TemplateFault(f"template {template}: there is no file {template}.{part}")
        for rule in rules.rules:
            values = dict.fromkeys(rule.variables, "value")
            self.render(
                rule.template,
                nobody,
                values,
                sender=rules.sender.name,
                unsubscribe_url="https://example.org/u",
            )
