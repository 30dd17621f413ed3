"""Text made of a mail's HTML, cleaned first. Pure, in bounded time."""

import re
from collections import Counter
from html.parser import HTMLParser

import nh3

MOST_CHARACTERS = 256 * 1024
"""So much of a mail's HTML is read."""
MOST_NESTING = 1_000
"""Elements within each other; the cleaner takes the square of that in time."""
KEPT = frozenset(
    {"p", "br", "div", "blockquote", "li", "ul", "ol", "tr", "td", "th", "table", "pre", "hr"}
) | {f"h{level}" for level in range(1, 7)}
"""What makes lines; all else is only words."""
DROPPED = {"script", "style", "title", "head", "template", "noscript", "svg", "math", "object", "iframe"}
"""What is left out with all that is in it."""

_tag = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9:]{0,20})")
_alone = frozenset({"br", "hr", "img", "meta", "link", "input", "col", "area", "base", "wbr"})
_LINES = frozenset(
    {"p", "div", "blockquote", "tr", "table", "ul", "ol", "li", "pre", *(f"h{n}" for n in range(1, 7))}
)
_APART = frozenset({"p", "blockquote", "table", "ul", "ol", "pre", *(f"h{n}" for n in range(1, 7))})


def text_of(html: str) -> str:
    """What a reader of the HTML sees, in lines; what it quotes begins with ``>``."""
    cleaned = nh3.clean(
        _bounded(html), tags=set(KEPT), clean_content_tags=set(DROPPED), attributes={}, strip_comments=True
    )
    reader = _Reader()
    reader.feed(cleaned)
    reader.close()
    return reader.text()


def _bounded(html: str) -> str:
    html = html[:MOST_CHARACTERS]
    depth, within = 0, Counter[str]()
    for found in _tag.finditer(html):
        name = found[2].lower()
        if name in _alone:
            continue
        if not found[1]:
            within[name] += 1
            depth += 1
        elif within[name]:
            within[name] -= 1
            depth -= 1
        if depth > MOST_NESTING:
            return html[: found.start()]
    return html


class _Reader(HTMLParser):
    """Of HTML that is cleaned, and so well formed."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._lines: list[str] = []
        self._line: list[str] = []
        self._quoted = 0
        self._as_it_is = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "br":
            self._end()
        elif tag == "hr":
            self._end_if_begun()
            self._line.append("________________________________")
            self._end()
        elif tag in ("td", "th") and self._line:
            self._line.append(" ")
        elif tag in _LINES:
            self._apart(tag)
        if tag == "blockquote":
            self._quoted += 1
        elif tag == "li":
            self._line.append("- ")
        elif tag == "pre":
            self._as_it_is += 1

    def handle_endtag(self, tag: str) -> None:
        if tag in _LINES:
            self._end_if_begun()
        if tag == "blockquote":
            self._quoted = max(0, self._quoted - 1)
        elif tag == "pre":
            self._as_it_is = max(0, self._as_it_is - 1)
        if tag in _APART:
            self._apart(tag)

    def handle_data(self, data: str) -> None:
        if self._as_it_is:
            first, *more = data.split("\n")
            self._line.append(first)
            for one in more:
                self._end()
                self._line.append(one)
            return
        words = " ".join(data.split())
        if words:
            begins = " " if data[0].isspace() and self._line else ""
            ends = " " if data[-1].isspace() else ""
            self._line.append(f"{begins}{words}{ends}")
        elif self._line:
            self._line.append(" ")

    def _apart(self, tag: str) -> None:
        self._end_if_begun()
        if tag in _APART and self._lines and self._lines[-1].strip(" >"):
            self._end()

    def _end_if_begun(self) -> None:
        if self._line:
            self._end()

    def _end(self) -> None:
        line = "".join(self._line)
        line = line.rstrip() if self._as_it_is else re.sub(r" {2,}", " ", line).strip()
        mark = "> " if self._quoted else ""
        self._lines.append(f"{mark}{line}".rstrip())
        self._line = []

    def text(self) -> str:
        self._end_if_begun()
        return "\n".join(self._lines).strip("\n")
