"""What letters do on the desk's pages: all of it is listed by ``?``, and no letter does two things."""

import re
from collections import defaultdict
from collections.abc import Iterator

import pytest

from services.interactions.desk.site import TEMPLATES

LABEL = re.compile(r'_\("(.+?)"\)')
PAGES = {
    "complaint": ("complaint.html", "steps.html"),
    "conversation": ("conversation.html", "steps.html"),
    "customer": ("customer.html",),
    "duplicates": ("duplicates.html",),
    "me": ("me.html",),
    "queue": ("queue.html",),
    "wall": ("wall.html",),
}
"""Those where letters do something of their own, and what they are made of."""


def source(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8")


def keys(template: str) -> Iterator[tuple[str, frozenset[str]]]:
    """Each letter with what the page calls it, in one of these ways; empty where that stands elsewhere."""
    for line in source(template).splitlines():
        for found in re.finditer(r'data-key="(\w)"', line):
            label = LABEL.search(line, found.end())
            yield found[1], frozenset(label.groups() if label else ())
        for found in re.finditer(r'\b(?:step|press)\(_\("(.+?)"\), "(\w)"', line):
            yield found[2], frozenset({found[1]})
        for found in re.finditer(r'\{\{ (?:says|shift)\(.+?\), "(\w)".*?\) \}\}', line):
            yield found[1], frozenset(LABEL.findall(found[0]))


def listed() -> dict[str, set[str]]:
    """What ``?`` says of each letter."""
    said = defaultdict[str, set[str]](set)
    for key, label in re.findall(r'\("(\w)", _\("(.+?)"(?:, id="…")?\)\)', source("keys.html")):
        said[key].add(label)
    return said


def test_pages_that_have_letters_are_known_here() -> None:
    known = {name for names in PAGES.values() for name in names}
    assert {file.name for file in TEMPLATES.glob("*.html") if [*keys(file.name)]} == known


@pytest.mark.parametrize("template", sorted({name for names in PAGES.values() for name in names}))
def test_each_letter_is_listed(template: str) -> None:
    said = listed()
    for key, labels in keys(template):
        assert (said[key] & labels) if labels else said[key], (key, labels)


@pytest.mark.parametrize("page", PAGES)
def test_a_letter_does_one_thing_on_a_page(page: str) -> None:
    done = defaultdict[str, set[frozenset[str]]](set)
    for name in PAGES[page]:
        for key, labels in keys(name):
            done[key].add(labels)
    assert {key: labels for key, labels in done.items() if len(labels) > 1} == {}
    assert not done.keys() & {"g", "j", "k"}


def test_what_is_listed_is_there() -> None:
    there = {key for names in PAGES.values() for name in names for key, _labels in keys(name)}
    assert listed().keys() == there
