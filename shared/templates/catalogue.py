"""Catalogues: what templates say in another language, one ``.po`` file for each (ADR 39). Pure."""

import gettext
import io
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from babel import Locale, UnknownLocaleError
from babel.messages.catalog import Catalog
from babel.messages.pofile import PoFileError, read_po

_BLANK = re.compile(r"%\((\w+)\)s")
_CONTEXT = "\x04"


class CatalogueFaultError(Exception):
    """A catalogue cannot be used. The text says which, the line and why, without a stop."""


@dataclass(frozen=True, slots=True, eq=False)
class Catalogue:
    """The strings of one language."""

    tag: str
    """As the file is named: ``de``, ``de-AT``."""
    said: Mapping[str, tuple[str, ...]]
    """By ``key``: what stands for it, in each of the language's plural forms (one, where there are none)."""
    form: Callable[[int], int]
    """Which plural form a number has."""

    def over(self, other: "Catalogue | None") -> "Catalogue":
        """This one and, where it says nothing, another."""
        return self if other is None else Catalogue(self.tag, {**other.said, **self.said}, self.form)

    def one(self, key: str) -> str | None:
        """What stands for a string; None where it is not translated."""
        found = self.said.get(key)
        return None if found is None else found[0]

    def many(self, key: str, n: int) -> str | None:
        """What stands for a string that goes with a number."""
        found = self.said.get(key)
        return None if found is None else found[min(self.form(n), len(found) - 1)]


def key(text: str, context: str | None = None) -> str:
    """The name of a string in catalogues: the English itself (its singular), and what tells it from another
    of the same words."""
    return text if context is None else f"{context}{_CONTEXT}{text}"


@lru_cache(maxsize=64)
def parsed(text: str, tag: str) -> Catalogue:
    """The catalogue of a ``<tag>.po`` file, without what is not translated, or only by guess (``fuzzy``).
    Raises ``CatalogueFaultError``."""
    try:
        locale = Locale.parse(tag.replace("-", "_"))
    except (ValueError, UnknownLocaleError):
        raise CatalogueFaultError(f"catalogue {tag}.po: {tag} is no language that is known") from None
    try:
        catalog = read_po(io.StringIO(text), locale=locale, abort_invalid=True)
        form: Callable[[int], int] = gettext.c2py(catalog.plural_expr)
    except PoFileError as fault:
        why = str(fault).removesuffix(f" on {fault.lineno}")
        raise CatalogueFaultError(f"catalogue {tag}.po, line {fault.lineno + 1}: {why}") from None
    except (ValueError, LookupError) as fault:
        raise CatalogueFaultError(f"catalogue {tag}.po: {fault}") from None
    return Catalogue(tag, dict(_said(catalog, tag)), form)


def _said(catalog: Catalog, tag: str) -> Iterable[tuple[str, tuple[str, ...]]]:
    for message in catalog:
        if not message.id or message.fuzzy:
            continue
        ids = (message.id,) if isinstance(message.id, str) else tuple(message.id)
        strings = (message.string,) if isinstance(message.string, str) else tuple(message.string or ())
        if not strings or not all(strings):
            continue
        context = message.context if isinstance(message.context, str) else None
        where = f"catalogue {tag}.po, line {message.lineno}: {ids[0][:60]!r}"
        for string in strings:
            _check(where, ids, string)
        yield key(ids[0], context), strings


def _check(where: str, ids: tuple[str, ...], string: str) -> None:
    """A translation has the blanks of its string, and nothing else that would break when they are filled. In
    a plural form the number may be left out: one day."""
    blanks = {name for text in ids for name in _BLANK.findall(text)}
    found = set(_BLANK.findall(string))
    if found - blanks:
        raise CatalogueFaultError(f"{where} has no {min(found - blanks)} to fill in")
    missing = set(_BLANK.findall(ids[0])) - found
    if missing and len(ids) == 1:
        raise CatalogueFaultError(f"{where}: %({min(missing)})s is missing in the translation")
    try:
        _ = string % dict.fromkeys(blanks, "")
    except (ValueError, TypeError, KeyError):
        raise CatalogueFaultError(f"{where}: a % that stands for itself is written %%") from None
