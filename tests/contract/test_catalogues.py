"""The catalogues that ship have all that is said, and nothing else."""

import pytest

from shared.templates.catalogue import parsed
from tools.catalogues import ALL, current

LANGUAGES = {"followup": ("de", "es", "fr"), "desk": ("de", "es")}


@pytest.mark.parametrize(("name", "tag"), [(name, tag) for name, tags in LANGUAGES.items() for tag in tags])
def test_a_catalogue_is_current_and_complete(name: str, tag: str) -> None:
    whose = ALL[name]
    text = (whose.locales / f"{tag}.po").read_text(encoding="utf-8")
    assert current(whose, text, tag) == text, "run python tools/catalogues.py"
    strings = text.count("\nmsgid ") - 1
    assert len(parsed(text, tag).said) == strings, "translate what has no msgstr"
