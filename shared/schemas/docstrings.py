"""What a model's source says of its fields: the string under each is its description in every document.

Pydantic can read them itself (``use_attribute_docstrings``), class by class, by way of the frames of the
stack: a fourth of the time in which a process starts. This reads each file once.
"""

import ast
import inspect
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Annotated, Any, ClassVar, get_args, get_origin

from pydantic import Field

FUNCTION = ast.FunctionDef | ast.AsyncFunctionDef


def describe(cls: type[Any]) -> None:
    """Give the fields that this class declares their descriptions; before Pydantic has looked at it. One that
    a ``Field`` gives holds."""
    annotations = cls.__annotations__
    for name, text in _fields(cls).items():
        if name in annotations and not _of_the_class(annotations[name]):
            annotations[name] = _with(annotations[name], text)


def _with(annotation: Any, text: str) -> Any:
    # First of all that is said of it, so that what the model says by itself comes later and holds.
    said = Field(description=text)
    if get_origin(annotation) is Annotated:
        inner, *rest = get_args(annotation)
        return Annotated[inner, said, *rest]
    return Annotated[annotation, said]


def _of_the_class(annotation: Any) -> bool:
    return annotation is ClassVar or get_origin(annotation) is ClassVar


def _fields(cls: type[Any]) -> dict[str, str]:
    try:
        file = inspect.getfile(cls)
    except (OSError, TypeError):  # made by hand, or in a terminal: there is no source
        return {}
    return _of_file(file).get(cls.__qualname__, {})


@cache
def _of_file(file: str) -> dict[str, dict[str, str]]:
    """By the qualified name of each class in the file: its fields' strings."""
    try:
        tree = ast.parse(Path(file).read_bytes())
    except (OSError, SyntaxError):
        return {}
    return {name: fields for name, fields in _classes(tree, "") if fields}


def _classes(node: ast.AST, within: str) -> Iterator[tuple[str, dict[str, str]]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ClassDef):
            name = within + child.name
            yield name, dict(_described(child))
            yield from _classes(child, f"{name}.")
        elif isinstance(child, FUNCTION):
            yield from _classes(child, f"{within}{child.name}.<locals>.")
        elif isinstance(child, ast.stmt):
            yield from _classes(child, within)


def _described(cls: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for field, text in zip(cls.body, cls.body[1:], strict=False):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(text, ast.Expr)
            and isinstance(text.value, ast.Constant)
            and isinstance(text.value.value, str)
        ):
            yield field.target.id, inspect.cleandoc(text.value.value)
