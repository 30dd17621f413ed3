"""Keeps the catalogues of the templates that ship: what these say comes in, what they say no more goes out.

python tools/catalogues.py           # de.po, es.po and fr.po, as they should be
python tools/catalogues.py it        # and a new one, to translate
"""

import io
import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po

from services.followup.config import TEMPLATES
from services.followup.domain.messages.strings import String, strings

HEADER = """# What the templates say in another language. Kept by tools/catalogues.py; msgstr is yours.
msgid ""
msgstr ""
"Language: {tag}\\n"
"Plural-Forms: {forms}\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"

"""
LOCALES = TEMPLATES / "locales"


def main(new: list[str]) -> None:
    LOCALES.mkdir(exist_ok=True)
    for tag in sorted({*new, *(file.stem for file in LOCALES.glob("*.po"))}):
        file = LOCALES / f"{tag}.po"
        known = file.read_text(encoding="utf-8") if file.exists() else ""
        file.write_text(current(known, tag), encoding="utf-8")


def current(known: str, tag: str) -> str:
    """A catalogue as it should be: the strings of the templates, in the order of their names, with what is
    known of their translations."""
    old = read_po(io.StringIO(known), locale=tag.replace("-", "_"))
    new = Catalog(locale=old.locale)
    for name, string in said():
        id = string.one if string.many is None else (string.one, string.many)
        before = old.get(string.one, string.context)
        translated = before.string if before is not None and before.id == id else ""
        flags = sorted((before.flags if before is not None else set()) & {"fuzzy"})
        new.add(id, translated, [(name, None)], flags, context=string.context)
    out = io.BytesIO()
    write_po(out, new, width=110, omit_header=True, include_lineno=False)
    return HEADER.format(tag=tag, forms=new.plural_forms) + out.getvalue().decode().rstrip() + "\n"


def said() -> Iterator[tuple[str, String]]:
    for file in sorted(TEMPLATES.iterdir()):
        if file.suffix in (".txt", ".html"):
            found = strings(file.read_text(encoding="utf-8"), file.suffix == ".html")
            yield from ((file.name, string) for string in found.said)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))
    main(sys.argv[1:])
