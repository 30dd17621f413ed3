"""``rapport rules gallery``: every message in every language, as files and as one page."""

import re
from html import unescape
from pathlib import Path

import pytest

from rapport.rules.draft import load_draft
from rapport.rules.gallery import PAGE, gallery, language_name, text_parts
from services.followup.config import DEFAULT_RULES

from .test_check import rapport


def test_it_writes_each_part_in_each_language_and_a_page(tmp_path: Path) -> None:
    found = rapport("gallery", "--out", "shown/here", "--channel", "sms", cwd=tmp_path)
    assert (found.returncode, found.stderr) == (0, "")
    assert found.stdout.strip().endswith("files, and the page shown/here/index.html.")
    files = {file.name: file for file in (tmp_path / "shown" / "here").iterdir()}
    for name in ("welcome.de.html", "welcome.fr.txt", "welcome.es.subject.txt", "news.de.sms.txt"):
        assert files[name].stat().st_size > 5
    assert files["welcome.de.subject.txt"].read_text() == "Willkommen bei Rapport Store\n"
    assert "Guten Tag Ada Byron," in files["points-expiring.de.txt"].read_text()
    together = files["bundle-1.de.txt"].read_text()
    assert together.count("Guten Tag Ada Byron,") == together.count("abbestellen:") == 1
    assert "Willkommen bei Rapport Store\n----" in together


def test_the_page_needs_nothing_beside_it() -> None:
    page = gallery(load_draft(None))[PAGE]
    assert "<script" not in page
    assert not re.search(r"""(?:src|href)=["'](?!#)""", re.sub(r'srcdoc="[^"]*"', "", page))
    assert page.count("<iframe") == page.count(" sandbox ") > 100
    for piece in ("Deutsch", "Español", "Français", 'id="narrow"', 'id="dark"', 'href="#welcome"'):
        assert piece in page


def test_dark_and_light_are_shown_whatever_the_viewers_own() -> None:
    page = gallery(load_draft(None))[PAGE]
    light, dark = re.findall(r'<iframe class="(?:light|dark)"[^>]* srcdoc="([^"]*)"', page)[:2]
    assert "@media not all {" in unescape(light)
    assert "@media all {" in unescape(dark)
    assert "prefers-color-scheme" not in unescape(light + dark)


def test_what_is_not_translated_is_marked_and_told_by_check(tmp_path: Path) -> None:
    (tmp_path / "welcome.subject.txt").write_text("{% trans %}Brand new{% endtrans %}")
    draft = load_draft(None, templates=tmp_path)
    files = gallery(draft)
    assert files["welcome.de.txt"] == files["welcome.en.txt"]
    assert files[PAGE].count('<span class="missing"') == 3
    found = rapport("check", str(DEFAULT_RULES), "--templates", str(tmp_path), cwd=tmp_path)
    assert found.returncode == 0
    told = " ".join(found.stdout.split())
    assert "template welcome.subject.txt, line 1: 'Brand new' is not in de.po" in told


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    found = rapport("gallery", "--out", "taken", cwd=tmp_path)
    assert found.returncode == 1
    assert "taken cannot be made: File exists." in found.stderr


@pytest.mark.parametrize(
    ("text", "size", "parts"),
    [
        ("", 0, 1),
        ("a" * 160, 160, 1),
        ("a" * 161, 161, 2),
        ("ä€", 3, 1),
        ("ç" * 70, 70, 1),
        ("ç" * 71, 71, 2),
        ("ß" * 307, 307, 3),
        ("😀", 2, 1),
    ],
)
def test_the_parts_of_a_text_message(text: str, size: int, parts: int) -> None:
    assert text_parts(text) == (size, parts)


def test_languages_are_called_by_their_own_names() -> None:
    assert [language_name(tag) for tag in ("en", "de", "es", "fr")] == [
        "English",
        "Deutsch",
        "Español",
        "Français",
    ]
