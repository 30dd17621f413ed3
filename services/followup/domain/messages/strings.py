"""What templates say, read off their sources: the strings that catalogues translate, and words that no
catalogue can, because they stand outside ``{% trans %}``. Pure."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from jinja2 import meta, nodes
from jinja2.ext import extract_from_ast

from services.followup.domain.messages.faults import fault_of
from services.followup.domain.messages.variables import RESERVED
from shared.templates.catalogue import key
from shared.templates.language import sandbox
from shared.templates.wording import MOMENT, WORDS


@dataclass(frozen=True, slots=True)
class String:
    """One string that a template says."""

    line: int
    one: str
    many: str | None = None
    """Of a string that goes with a number, the plural."""
    context: str | None = None

    @property
    def key(self) -> str:
        return key(self.one, self.context)


@dataclass(frozen=True, slots=True)
class Strings:
    """What one file says, and what other files it takes in."""

    said: tuple[String, ...]
    bare: tuple[tuple[int, str], ...]
    """Words outside ``{% trans %}``, with their lines."""
    taken: tuple[str, ...]
    """The files that it extends, takes in or takes macros from."""
    names: frozenset[str] = frozenset()
    """The variables that it must be given, and the customer's fields that it names: ``customer.name``."""
    seen: frozenset[str] = frozenset()
    """Of what every template sees (``RESERVED``), what it uses."""


SEEN = RESERVED | {"gettext", "ngettext", "pgettext", "npgettext", "_", "range", "dict", "namespace"}
"""What every template sees without being given it."""
_PARSER = sandbox({})
_JINJA = re.compile(r"\{#.*?#\}|\{%[-+]?\s*trans\b.*?\bendtrans\s*[-+]?%\}|\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)
_HTML = re.compile(r"<!--.*?-->|<style\b.*?</style>|<!?/?[a-zA-Z][^>]*>|&#?\w+;", re.DOTALL)
_WORDS = re.compile(r"[^\W\d_]{2,}(?:[^\S\n]+[^\W\d_]+)*")


@lru_cache(maxsize=1024)
def strings(source: str, html: bool) -> Strings:
    """What a source says. Raises what Jinja does where it cannot be read."""
    tree = _PARSER.parse(source)
    taken = tuple(name for name in meta.find_referenced_templates(tree) if name is not None)
    used = frozenset(meta.find_undeclared_variables(tree))
    names = used - SEEN
    names |= {
        f"customer.{field.attr}"
        for field in tree.find_all(nodes.Getattr)
        if isinstance(field.node, nodes.Name) and field.node.name == "customer"
    }
    return Strings(tuple(said(tree)), tuple(_bare(source, html)), taken, names, used & RESERVED)


def said(tree: nodes.Template) -> Iterator[String]:
    """The strings of a template."""
    for line, function, found in extract_from_ast(tree):
        # The text of a call, and None for each of its other arguments.
        match function, (found,) if isinstance(found, str) else found:
            case "gettext" | "_", (str(one), *_):
                yield String(line, one)
            case "ngettext", (str(one), str(many), *_):
                yield String(line, one, many)
            case "pgettext", (str(context), str(one), *_):
                yield String(line, one, context=context)
            case "npgettext", (str(context), str(one), str(many), *_):
                yield String(line, one, many, context)
    for filtered in tree.find_all(nodes.Filter):
        yield from _worded(filtered)


def _worded(filtered: nodes.Filter) -> Iterator[String]:
    """What the filters say of themselves."""
    if filtered.name == "moment":
        yield String(filtered.lineno, MOMENT)
    if filtered.name == "counted" and filtered.args and isinstance(filtered.args[0], nodes.Const):
        noun = str(filtered.args[0].value)
        yield String(filtered.lineno, noun, f"{noun}s")
    if any(word.key == "words" for word in filtered.kwargs):
        yield from (String(filtered.lineno, word) for word in WORDS[2:])


def _bare(source: str, html: bool) -> Iterator[tuple[int, str]]:
    rest = _JINJA.sub(_lines, source)
    if html:
        rest = _HTML.sub(_lines, rest)
    for line, text in enumerate(rest.splitlines(), start=1):
        found = _WORDS.search(text)
        if found is not None:
            yield line, found[0]


def _lines(found: re.Match[str]) -> str:
    return "\n" * found[0].count("\n") or " "


def closure(file: str, sources: Mapping[str, str]) -> Iterator[tuple[str, Strings]]:
    """What a file and all that it takes in say, file by file. Raises ``TemplateFaultError``."""
    seen: set[str] = set()
    left = [file]
    while left:
        name = left.pop()
        if name not in seen and name in sources:
            seen.add(name)
            try:
                found = strings(sources[name], name.endswith(".html"))
            except Exception as error:  # whatever Jinja raises where it cannot read a source
                raise fault_of(name, error) from error
            left.extend(found.taken)
            yield name, found
