"""Style sheets written into the elements that they are about, since many mail programs read no other. Done
once when templates are loaded, so that it costs a message nothing. Pure.

A file's rules come from its own ``<style>`` or, where it extends another, from that one's. What stands in
Jinja's braces is set aside meanwhile, so a rule can match what stands in one file, and not across two: write
``.note strong`` only where both are in the same file. A sheet stays as it is that says
``<style data-css-inline="keep">``: that is for ``@media``.
"""

import re
from collections.abc import Mapping
from functools import lru_cache

from css_inline import CSSInliner, InlineError

_PIECE = re.compile(
    r"(?P<jinja>\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\})"
    r"|(?P<note><!--.*?-->)"
    r"|(?P<words><(?P<raw>title|style|script|textarea)\b.*?</(?P=raw)\s*>)"
    r"|(?P<open><[/!a-zA-Z])"
    r"|(?P<close>>)"
    r"|(?P<quote>[\"'])",
    re.DOTALL | re.IGNORECASE,
)
_JINJA = re.compile(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)
_TAG = re.compile(r"<(?!style\b)[a-zA-Z]", re.IGNORECASE)
_STYLE = re.compile(r"<style\b(?![^>]*\bdata-css-inline)[^>]*>(.*?)</style\s*>", re.DOTALL | re.IGNORECASE)
_EXTENDS = re.compile(r"\{%[-+]?\s*extends\s+[\"']([^\"']+)[\"']")
_KEEPS = re.compile(r"<style\b[^>]*\bdata-css-inline", re.IGNORECASE)
_INLINERS = {
    keeps: CSSInliner(keep_at_rules=not keeps, minify_css=True, load_remote_stylesheets=False)
    for keeps in (True, False)
}
"""By whether the author has said which sheet is kept; where not, what is in @media is."""


class StyleFaultError(Exception):
    """The rules cannot be written into a file's elements. The text says why, without a stop."""


def styled(sources: Mapping[str, str]) -> dict[str, str]:
    """The sources, with styles in the HTML ones. Raises ``StyleFaultError``, whose text names the file."""
    done = dict(sources)
    for name, source in sources.items():
        css = _css(name, sources) if name.endswith(".html") else ""
        if css:
            try:
                done[name] = _inlined(source, css)
            except StyleFaultError as fault:
                raise StyleFaultError(f"template {name}: {fault}") from None
    return done


def _css(name: str, sources: Mapping[str, str]) -> str:
    """The rules that are a file's, by way of what it extends."""
    for _ in range(len(sources)):
        source = sources.get(name, "")
        extended = _EXTENDS.search(source)
        if extended is None:
            return "\n".join(_STYLE.findall(source))
        name = extended[1]
    return ""


@lru_cache(maxsize=1024)
def _inlined(source: str, css: str) -> str:
    marked, kept = _set_aside(source)
    inliner = _INLINERS[_KEEPS.search(source) is not None]
    try:
        if re.search(r"<html\b", source, re.IGNORECASE):
            text = inliner.inline(marked)
        else:
            text = inliner.inline_fragment(marked, css)
            if _tags(text) < _tags(marked):  # rows and cells stand in a table of another file
                table = inliner.inline_fragment(f"<table><tbody>{marked}</tbody></table>", css)
                text = table.removeprefix("<table><tbody>").removesuffix("</tbody></table>")
    except InlineError as error:
        raise StyleFaultError(f"its style sheet cannot be read: {error}") from None
    if "<tbody" not in source.lower():
        text = text.replace("<tbody>", "").replace("</tbody>", "")
    for place, piece in enumerate(kept):
        for mark in (f"<!--j{place}j-->", f"j{place}j"):
            if mark in text:
                text = text.replace(mark, piece)
                break
        else:
            raise StyleFaultError(f"{piece[:60]} stands where HTML has no place for it")
    if _tags(_JINJA.sub("", text)) < _tags(_JINJA.sub("", source)):
        raise StyleFaultError("its elements do not stand in each other as HTML has it")
    return text


def _tags(text: str) -> int:
    return len(_TAG.findall(text))


def _set_aside(source: str) -> tuple[str, list[str]]:
    """The source with a mark for each thing in Jinja's braces: a comment between elements, which may stand
    anywhere, a word in tags and in what has no comments."""
    kept: list[str] = []
    out: list[str] = []
    in_tag, quote, at = False, "", 0

    def mark(piece: str) -> str:
        kept.append(piece)
        return f"j{len(kept) - 1}j"

    for found in _PIECE.finditer(source):
        out.append(source[at : found.start()])
        at = found.end()
        piece = found[0]
        if found["jinja"]:
            if in_tag and not quote:
                raise StyleFaultError(f"{piece[:60]} stands between attributes: write it in one's quotes")
            word = mark(piece)
            out.append(word if in_tag else f"<!--{word}-->")
        elif found["note"] or found["words"]:
            out.append(_JINJA.sub(lambda inner: mark(inner[0]), piece))
        else:
            if in_tag and found["quote"] and quote in ("", piece):
                quote = "" if quote else piece
            if not quote:
                in_tag = bool(found["open"]) or (in_tag and not found["close"])
            out.append(piece)
    out.append(source[at:])
    return "".join(out), kept
