"""The catalogues of the templates that ship have all that these say, and nothing else."""

import pytest

from shared.templates.catalogue import parsed
from tools.catalogues import LOCALES, current


@pytest.mark.parametrize("tag", ["de", "es", "fr"])
def test_a_catalogue_is_current_and_complete(tag: str) -> None:
    text = (LOCALES / f"{tag}.po").read_text(encoding="utf-8")
    assert current(text, tag) == text, "run python tools/catalogues.py"
    strings = text.count("\nmsgid ") - 1
    assert len(parsed(text, tag).said) == strings, "translate what has no msgstr"
