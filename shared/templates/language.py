"""What templates have for languages and values: ``{% trans %}`` and the filters. Pure.

Each needs a ``Reader`` among the variables, under ``READER``.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from jinja2 import DictLoader, pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape

from shared.templates import wording
from shared.templates.catalogue import key
from shared.templates.meter import Meter
from shared.templates.sandbox import METER, Sandbox
from shared.templates.speech import Reader
from shared.templates.wording import HARD

READER = "(reader)"
"""The reader's name among a template's variables: none that a template could write."""
_ENDTRANS = re.compile(r"\bendtrans\s*%\}")


def sandbox(sources: Mapping[str, str]) -> Sandbox:
    """The sandbox for templates, with ``{% trans %}`` and the filters of values."""
    # Jinja takes the line break after a block's end, which is right after {% endif %}; a translation is text.
    kept = {name: _ENDTRANS.sub("endtrans +%}", source) for name, source in sources.items()}
    jinja = Sandbox(DictLoader(kept), extensions=["jinja2.ext.i18n"])
    # What stands in a translation is markup as the template's own words are; values in it are escaped. (The
    # extension adds the attribute, which no stub knows.)
    jinja.newstyle_gettext = True  # type: ignore[attr-defined]
    jinja.policies["ext.i18n.trimmed"] = True
    jinja.globals.update(SAID, _=_one)
    jinja.filters.update({**FILTERS, **SAID})
    return jinja


def rendered(jinja: Sandbox, file: str, shown: Mapping[str, Any]) -> str:
    """A file of the sandbox with what is shown. Raises whatever the template does."""
    template = jinja.get_template(file)
    # Shared: it is neither copied nor changed.
    context = template.new_context({**jinja.globals, **shown, METER: Meter()}, shared=True)
    return jinja.concat(template.root_render_func(context))


def _reader(context: Context) -> Reader:
    reader: Reader = context.parent[READER]
    return reader


@pass_context
def _one(context: Context, text: str, /, **values: object) -> str:
    return _filled(context, _reader(context).speech.one(text, text), values)


@pass_context
def _many(context: Context, one: str, many: str, n: object, /, **values: object) -> str:
    said = _reader(context).speech.many(one, many, n, one)
    return _filled(context, said, {"num": n, **values})


@pass_context
def _one_of(context: Context, about: str, text: str, /, **values: object) -> str:
    return _filled(context, _reader(context).speech.one(text, key(text, about)), values)


@pass_context
def _many_of(context: Context, about: str, one: str, many: str, n: object, /, **values: object) -> str:
    said = _reader(context).speech.many(one, many, n, key(one, about))
    return _filled(context, said, {"num": n, **values})


def _filled(context: Context, said: str, values: Mapping[str, object]) -> str:
    if context.eval_ctx.autoescape:
        # What is told is ours, from the catalogues; what is filled in is escaped.
        return Markup(said % {name: "" if v is None else escape(v) for name, v in values.items()})  # nosec B704
    return said.replace(HARD, " ") % {name: "" if v is None else v for name, v in values.items()}


SAID: Mapping[str, Callable[..., str]] = {
    "gettext": _one,
    "ngettext": _many,
    "pgettext": _one_of,
    "npgettext": _many_of,
}
"""What ``{% trans %}`` becomes."""


def _filter(write: Callable[..., str], *, with_zone: bool = False) -> Callable[..., str]:
    """A function of ``wording`` as a filter. What holds together does so in HTML; in plain text and text
    messages a space that does not break would show as something else, or cost a text message its length."""

    @pass_context
    def filtered(context: Context, value: object, *args: Any, **kwargs: Any) -> str:
        reader = _reader(context)
        where = (reader.where,) if with_zone else ()
        text = write(value, *args, *where, reader.speech, **kwargs)
        return text if context.eval_ctx.autoescape else text.replace(HARD, " ")

    return filtered


@pass_context
def _strong(context: Context, value: object) -> str:
    """What matters in a sentence, in HTML; in plain text the value as it is."""
    if value is None:
        return ""
    return Markup("<strong>%s</strong>") % escape(value) if context.eval_ctx.autoescape else str(value)


FILTERS: Mapping[str, Callable[..., str]] = {
    "counted": _filter(wording.counted),
    "date": _filter(wording.date, with_zone=True),
    "moment": _filter(wording.moment, with_zone=True),
    "money": _filter(wording.money),
    "number": _filter(wording.number),
    "strong": _strong,
}
