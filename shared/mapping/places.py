"""Where the parts of a YAML text stand, so that what is wrong is told with line and column."""

from collections.abc import Sequence
from typing import NamedTuple

import yaml


class Place(NamedTuple):
    """A place in a file, from 1."""

    line: int
    column: int

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}"


class Places:
    """The places of a text that is YAML."""

    def __init__(self, text: str) -> None:
        self._root = yaml.compose(text, Loader=yaml.SafeLoader)

    def of(self, path: Sequence[int | str], at: int | None = None) -> Place:
        """Where a path stands, such as ``("events", 0, "data")``; of one that is not there, what it would be
        in. ``at``: the character of its text, from 0, that is meant."""
        node = self._root
        for part in path:
            inside = _inside(node, part)
            if inside is None:
                return _start(node, at)
            node = inside
        return _start(node, at)


def _inside(node: yaml.Node | None, part: int | str) -> yaml.Node | None:
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in node.value if key.value == part), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        found: yaml.Node = node.value[part]
        return found
    return None


def _start(node: yaml.Node | None, at: int | None = None) -> Place:
    if node is None:
        return Place(1, 1)
    line, column = node.start_mark.line + 1, node.start_mark.column + 1
    # Of text in one piece its characters can be counted; of text in a block, or with escapes, they cannot.
    if at is not None and isinstance(node, yaml.ScalarNode) and node.style in (None, "'", '"'):
        written = node.end_mark.index - node.start_mark.index
        quotes = 0 if node.style is None else 1
        if written == len(node.value) + 2 * quotes:
            column += at + quotes
    return Place(line, column)
