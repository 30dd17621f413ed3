"""What models say of their fields, for pages that are made from code: ``tools/reference.py``.

A field's meaning is its docstring, the text under it; its type is worded from its JSON Schema.
"""

import ast
import inspect
import textwrap
from collections.abc import Iterator
from dataclasses import is_dataclass
from functools import cache
from typing import Any, get_args

from pydantic import BaseModel

BOUNDS = {"exclusiveMinimum": "over", "minimum": "from", "maximum": "to", "exclusiveMaximum": "under"}


@cache
def meanings(model: type[BaseModel]) -> dict[str, str]:
    """The text under each field of a model and of what it inherits; a description given stands for it."""
    found: dict[str, str] = {}
    for cls in reversed(model.__mro__):
        if issubclass(cls, BaseModel) and cls.__module__.partition(".")[0] in {"services", "shared"}:
            found.update(_under_fields(cls))
    described = ((name, field.description) for name, field in model.model_fields.items())
    return found | {name: text for name, text in described if text}


def _under_fields(cls: type) -> Iterator[tuple[str, str]]:
    tree = ast.parse(textwrap.dedent(inspect.getsource(cls))).body[0]
    assert isinstance(tree, ast.ClassDef)
    for field, under in zip(tree.body, tree.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and (text := _text(under)):
            yield field.target.id, inspect.cleandoc(text)


def _text(node: ast.stmt) -> str | None:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return node.value.value if isinstance(node.value.value, str) else None
    return None


def within(model: type[BaseModel]) -> list[type]:
    """A model and every model or dataclass in its fields, in the order in which they are met."""
    met: dict[type, None] = {}

    def visit(annotation: Any) -> None:
        if isinstance(annotation, type) and annotation not in met:
            if issubclass(annotation, BaseModel):
                met[annotation] = None
                for field in annotation.model_fields.values():
                    visit(field.annotation)
            elif is_dataclass(annotation):
                met[annotation] = None
        for inner in get_args(annotation):
            visit(inner)

    visit(model)
    return list(met)


def worded(schema: dict[str, Any], shared: dict[str, Any]) -> str:
    """A JSON Schema as a table shows it: ``list of [Reward](#reward)``, ``integer, from 1 to 500``. What it
    refers to is in ``shared``; only models, which have fields, are linked to."""
    if reference := schema.get("$ref"):
        name = reference.rpartition("/")[2]
        return f"[{name}](#{name.lower()})" if "properties" in shared[name] else worded(shared[name], shared)
    for many in ("anyOf", "oneOf"):
        if many in schema:
            kinds = [worded(one, shared) for one in schema[many] if one.get("type") != "null"]
            return " or ".join(dict.fromkeys(kinds))
    if "allOf" in schema:
        return " and ".join(worded(one, shared) for one in schema["allOf"])
    if "const" in schema:
        return f"`{schema['const']}`"
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    return _plain(schema, shared)


def _plain(schema: dict[str, Any], shared: dict[str, Any]) -> str:
    kind = schema.get("type")
    if kind == "array":
        inner = schema.get("items") or (schema.get("prefixItems") or [{}])[0]
        return f"list of {worded(inner, shared)}"
    if kind == "object":
        inner = schema.get("additionalProperties")
        return f"map of name to {worded(inner, shared)}" if isinstance(inner, dict) else "map"
    word = str(schema.get("format") or kind or "any")
    bounds = [f"{sign} {schema[key]}" for key, sign in BOUNDS.items() if key in schema]
    return f"{word}, {' '.join(bounds)}" if bounds else word
