"""Macros: what agents write often, with fields of the customer; tried before they are used. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Annotated, Any, NamedTuple, Self
from zoneinfo import ZoneInfo

from jinja2.meta import find_undeclared_variables
from pydantic import Field, model_validator

from shared.schemas.base import Id, Strict
from shared.schemas.faults import fault
from shared.schemas.fields import Label
from shared.schemas.interactions import Channel
from shared.templates.faults import why
from shared.templates.greeting import line_with_hole
from shared.templates.language import READER, rendered, sandbox
from shared.templates.sandbox import Sandbox
from shared.templates.speech import ENGLISH, Reader, Speech, locale_of

Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")]
"""A language's tag: de, de-AT."""
Text = Annotated[str, Field(min_length=1, max_length=20_000)]
UTC = ZoneInfo("UTC")
Shown = Mapping[str, Mapping[str, Any] | None]
"""What a macro sees, by name: ``customer``, ``agent``, ``conversation``, ``complaint``, ``subscription``."""


class Preferences(dict[str, Any]):
    """Whatever sources know by name; what they do not know is None."""

    def __missing__(self, name: str) -> None:
        return None


SAMPLE: Mapping[str, Mapping[str, Any]] = {
    "customer": {
        "id": "cust-1", "name": "Zoë O'Neill", "email": "zoe@example.org", "phone": "+49 30 1234567",
        "preferences": Preferences(diet="vegan", size=42), "tier": "gold", "points": 1_234,
    },
    "agent": {"id": "agent-1", "name": "Ann"},
    "conversation": {"id": "c-1", "channel": "email", "subject": "My order"},
    "complaint": {
        "id": "x-1", "category": "delivery", "severity": "high", "order_id": "order-17",
        "opened_at": "2026-11-20T10:00:00Z", "due_at": "2026-11-23T17:00:00Z",
    },
    "subscription": {"id": "s-1", "plan": "monthly", "expires_at": "2026-12-01T00:00:00Z"},
}  # fmt: skip
"""All that a macro may be given."""
ALWAYS = frozenset({"customer.id", "customer.preferences", "conversation.id", "complaint.id"})
ALWAYS |= {"complaint.category", "complaint.severity", "complaint.opened_at", "subscription.id"}
"""What is never missing, where the thing itself is not."""


class Macro(Strict):
    """A text by a name, in one language or several."""

    name: Id
    title: Mapping[Language, Label] = {}
    """What it is called in a list; its name, where that is left out."""
    channels: tuple[Channel, ...] = ()
    """It is for what goes out by these; none: by any."""
    text: Annotated[Mapping[Language, Text], Field(min_length=1)]

    @model_validator(mode="after")
    def _tried(self) -> Self:
        for language in self.text:
            _try(self, language)
        return self

    def language(self, wanted: Sequence[str | None]) -> str:
        """The language that it is there in, and wanted most; else English; else its first."""
        for tag in filter(None, (*wanted, ENGLISH)):
            for alike in (_same, _parent, _sibling):
                for known in self.text:
                    if alike(known, tag):
                        return known
        return next(iter(self.text))

    def titled(self, language: str) -> str:
        return self.title.get(language) or next(iter(self.title.values()), self.name)


class Written(NamedTuple):
    """A macro for one customer."""

    macro: Macro
    language: str
    text: str | None
    lacks: tuple[str, ...] = ()
    """Why there is no text: things that it is about, and that are not there, such as a complaint."""


def written(macro: Macro, shown: Shown, wanted: Sequence[str | None], where: ZoneInfo = UTC) -> Written:
    """A macro with what is known; dates and numbers as the most wanted language's country writes them."""
    language = macro.language(wanted)
    try:
        return Written(macro, language, _render(macro.text[language], _tag(language, wanted), shown, where))
    except Exception:  # it was tried with all that it may be given
        lacks = (name for name in _names(macro.text[language]) if shown.get(name) is None)
        return Written(macro, language, None, tuple(sorted(lacks)))


def _try(macro: Macro, language: str) -> None:
    """With all that there may be, and without each part of it. Raises a ``fault``."""

    def tried(shown: Shown) -> str:
        return _render(macro.text[language], language, shown, UTC)

    try:
        whole = tried(SAMPLE)
    except Exception as error:  # what a template raises is its own fault, whatever it is
        raise _fault(macro, language, error) from None
    names = _names(macro.text[language])
    for path, without in _less():
        thing, _, field = path.partition(".")
        if thing not in names:
            continue
        try:
            line = line_with_hole(whole, tried(without))
        except Exception as error:  # as in the first try
            raise _fault(macro, language, error, f" where there is no {field}") from None
        if line is not None:
            message = f"reads {line[:60]!r} where there is no {field}: ask {{% if {path} %}}"
            raise fault(f"text.{language}", message)


def _less() -> Iterator[tuple[str, Shown]]:
    """The sample, each time without one field."""
    for thing, fields in SAMPLE.items():
        for field in fields:
            if f"{thing}.{field}" not in ALWAYS:
                yield f"{thing}.{field}", {**SAMPLE, thing: {**fields, field: None}}


def _fault(macro: Macro, language: str, error: Exception, when: str = "") -> Exception:
    said, where = why(macro.name, error)
    return fault(f"text.{language}", f"{said}{when}" + (f" (line {where[1]})" if where else ""))


def _same(known: str, tag: str) -> bool:
    return known.lower() == tag.replace("_", "-").lower()


def _parent(known: str, tag: str) -> bool:
    return known == _primary(tag)


def _sibling(known: str, tag: str) -> bool:
    return _primary(known) == _primary(tag)


def _primary(tag: str) -> str:
    return tag.replace("_", "-").partition("-")[0].lower()


def _tag(language: str, wanted: Sequence[str | None]) -> str:
    """The language with its country, where one that is wanted has it."""
    return next((tag for tag in wanted if tag and _primary(tag) == language), language)


def _render(text: str, tag: str, shown: Shown, where: ZoneInfo) -> str:
    language = _primary(tag)
    locale = locale_of(tag)
    plain = language == ENGLISH and (locale is None or locale.territory is None)
    reader = Reader(Speech(language, None if plain else locale), where)
    return rendered(_sandbox(text), "macro", {**shown, READER: reader}).strip()


@lru_cache(maxsize=4_096)
def _sandbox(text: str) -> Sandbox:
    jinja = sandbox({"macro": text})
    for needs_a_catalogue in ("counted", "moment"):
        jinja.filters.pop(needs_a_catalogue)
    return jinja


@lru_cache(maxsize=4_096)
def _names(text: str) -> frozenset[str]:
    return frozenset(find_undeclared_variables(_sandbox(text).parse(text)))
