"""What mappings mostly are, without the engine: paths, words, texts put together, comparisons of texts. Where
a value is not what it should be, the engine is asked all the same: nothing is different but the time."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from shared.expressions.syntax import Index, Literal, Name, Node, Operation, Select

ASK = object()
"""The engine is to be asked."""

Quick: TypeAlias = Callable[[Any], Any]
"""Gives a value of what is at hand, or ``ASK``."""


def path(tree: Node, readers: Mapping[str, Quick]) -> Quick | None:
    """How a chain of fields is read off, None where nothing is there; None where it is something else."""
    names: list[str] = []
    while not isinstance(tree, Name):
        if isinstance(tree, Select):
            names.append(tree.field)
        elif isinstance(tree, Index) and isinstance(tree.at, Literal) and isinstance(tree.at.value, str):
            names.append(tree.at.value)
        else:
            return None
        tree = tree.of
    read = readers.get(tree.name)
    if read is None:
        return None
    names.reverse()
    return _of_row(names[0]) if tree.name == "row" and len(names) == 1 else _along(read, names)


def quick(tree: Node, readers: Mapping[str, Quick]) -> Quick | None:
    """How an expression of texts is evaluated; None where only the engine can."""
    match tree:
        case Literal(value=str(value)):
            return lambda here: value
        case Operation(operator="+", args=(first, second)):
            return _joined(quick(first, readers), quick(second, readers))
        case Operation(operator="==" | "!=", args=(first, second)):
            return _compared(quick(first, readers), quick(second, readers), tree.operator == "==")
        case Operation(operator="&&" | "||", args=(first, second)):
            return _both(quick(first, readers), quick(second, readers), tree.operator == "&&")
    return path(tree, readers)


def _joined(first: Quick | None, second: Quick | None) -> Quick | None:
    if first is None or second is None:
        return None

    def made(here: Any) -> Any:
        one, other = first(here), second(here)
        return one + other if type(one) is str and type(other) is str else ASK

    return made


def _compared(first: Quick | None, second: Quick | None, equal: bool) -> Quick | None:
    if first is None or second is None:
        return None

    def made(here: Any) -> Any:
        one, other = first(here), second(here)
        return (one == other) is equal if type(one) is str and type(other) is str else ASK

    return made


def _both(first: Quick | None, second: Quick | None, every: bool) -> Quick | None:
    if first is None or second is None:
        return None

    def made(here: Any) -> Any:
        one, other = first(here), second(here)
        if type(one) is bool and type(other) is bool:
            return (one and other) if every else (one or other)
        return ASK

    return made


def _of_row(name: str) -> Quick:
    def made(here: Any) -> Any:
        row = here.row
        return row.get(name) if isinstance(row, dict) else None

    return made


def _along(read: Quick, names: list[str]) -> Quick:
    def made(here: Any) -> Any:
        value = read(here)
        for name in names:
            if not isinstance(value, dict):
                return None
            value = value.get(name)
        return value

    return made
