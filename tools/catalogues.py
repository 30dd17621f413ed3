"""Keeps the catalogues of followup's templates and of the desk's pages: what these say comes in, what they
say no more goes out.

python tools/catalogues.py                 # each, as it should be
python tools/catalogues.py followup it     # and a new one, to translate
"""

import io
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_python
from babel.messages.pofile import read_po, write_po

from services.followup.config import TEMPLATES
from services.followup.domain.messages import strings
from services.followup.domain.messages.strings import String
from services.interactions.desk import refusals, site, words

HEADER = """# What {name} in another language. Kept by tools/catalogues.py; msgstr is yours.
msgid ""
msgstr ""
"Language: {tag}\\n"
"Plural-Forms: {forms}\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"

"""
KEYWORDS = {"_": None, "many": (1, 2)}
"""The functions of code whose strings are for catalogues."""


class Said(NamedTuple):
    """Whose strings there are catalogues of."""

    name: str
    locales: Path
    said: Callable[[], Iterator[tuple[str, String]]]
    """Each with the file that says it, in the order of the files' names."""


def main(new: list[str]) -> None:
    """``new``: a name of ``ALL``, and languages that it is to have too."""
    for name, whose in ALL.items():
        wanted = new[1:] if new[:1] == [name] else []
        for tag in sorted({*wanted, *(file.stem for file in whose.locales.glob("*.po"))}):
            file = whose.locales / f"{tag}.po"
            known = file.read_text(encoding="utf-8") if file.exists() else ""
            file.write_text(current(whose, known, tag), encoding="utf-8")


def current(whose: Said, known: str, tag: str) -> str:
    """A catalogue as it should be: what is said, in the order of the files' names, with what is known of its
    translations."""
    old = read_po(io.StringIO(known), locale=tag.replace("-", "_"))
    new = Catalog(locale=old.locale)
    for name, string in whose.said():
        id = string.one if string.many is None else (string.one, string.many)
        before = old.get(string.one, string.context)
        translated = before.string if before is not None and before.id == id else ""
        flags = sorted((before.flags if before is not None else set()) & {"fuzzy"})
        new.add(id, translated, [(name, None)], flags, context=string.context)
    out = io.BytesIO()
    write_po(out, new, width=110, omit_header=True, include_lineno=False)
    head = HEADER.format(name=whose.name, tag=tag, forms=new.plural_forms)
    return head + out.getvalue().decode().rstrip() + "\n"


def of_messages() -> Iterator[tuple[str, String]]:
    for file in sorted(TEMPLATES.iterdir()):
        if file.suffix in (".txt", ".html"):
            found = strings.strings(file.read_text(encoding="utf-8"), file.suffix == ".html")
            yield from ((file.name, string) for string in found.said)


def of_pages() -> Iterator[tuple[str, String]]:
    """Of templates, of code that calls ``_("…")`` or ``many("…", "…s", n)``, and what refusals say."""
    jinja = site.environment()
    for file in sorted(site.TEMPLATES.glob("*.html")):
        tree = jinja.parse(file.read_text(encoding="utf-8"))
        yield from ((file.name, string) for string in strings.said(tree))
    service = site.FOLDER.parent
    for file in sorted([*site.FOLDER.rglob("*.py"), *(service / "routes" / "desk").glob("*.py")]):
        with file.open("rb") as source:
            for line, _, found, _comments in extract_python(source, KEYWORDS, [], {"encoding": "utf-8"}):
                one, many = (found, None) if isinstance(found, str) else (found[0], found[1])
                if one:
                    yield str(file.relative_to(service)), String(line, one, many or None)
    yield from (("errors.py", String(0, one, None)) for one in refusals.messages())


ALL: Mapping[str, Said] = {
    "followup": Said("the templates say", TEMPLATES / "locales", of_messages),
    "desk": Said("the desk says", words.LOCALES, of_pages),
}

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))
    main(sys.argv[1:])
