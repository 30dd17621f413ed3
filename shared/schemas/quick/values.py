"""How a value of a Pydantic schema is read quickly: the type that msgspec decodes, and lines for the rest."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal, TypeAlias, Union

from msgspec import UNSET, Meta, Struct

from shared.schemas.quick.texts import told_by

Lines: TypeAlias = list[str]
Nested: TypeAlias = Callable[[Mapping[str, Any]], tuple[type[Struct], Callable[[Any], Any]]]


class UnsureError(Exception):
    """The quick way cannot tell: Pydantic is to be asked."""


class UnsupportedError(Exception):
    """A schema that has no quick way."""


class Info(Struct, frozen=True):
    """What a field's validator is told: the fields before it."""

    field_name: str
    data: dict[str, Any]


# What may stand in a schema and is understood: anything else, as of a later Pydantic, has no quick way.
_KEYS: dict[str, frozenset[str]] = {
    kind: frozenset(keys.split()) | {"type", "metadata"}
    for kind, keys in {
        "model": "cls config custom_init ref root_model schema",
        "model-fields": "computed_fields fields model_name",
        "model-field": "schema serialization_alias validation_alias",
        "definitions": "definitions schema",
        "definition-ref": "schema_ref",
        "default": "default schema validate_default",
        "nullable": "schema",
        "tuple": "items_schema max_length variadic_item_index",
        "dict": "keys_schema strict values_schema",
        "literal": "expected",
        "str": "max_length min_length pattern",
        "int": "ge le strict",
        "float": "allow_inf_nan ge le",
        "bool": "",
        "datetime": "microseconds_precision tz_constraint",
        "function-before": "function schema",
        "function-after": "function schema",
    }.items()
}


def kind_of(schema: Mapping[str, Any]) -> str:
    """The kind of a schema of which everything is understood. Raises ``UnsupportedError``."""
    kind = str(schema["type"])
    if kind not in _KEYS or schema.keys() - _KEYS[kind]:
        raise UnsupportedError(f"{kind}: {', '.join(sorted(schema))}")
    return kind


def indented(lines: Lines) -> Lines:
    return [f"    {line}" for line in lines]


class Values:
    """Values of one model's fields. Each method gives the type that msgspec decodes, and lines that check
    what is in the variable ``var`` and make of it what Pydantic makes; none where msgspec does it all. Raises
    ``UnsupportedError``."""

    def __init__(self, nested: Nested) -> None:
        """``nested``: a model within the model, its Struct and its function."""
        self._nested = nested
        self.names: dict[str, Any] = {"UNSET": UNSET, "UnsureError": UnsureError, "Info": Info}
        """What the lines name."""
        self.before: list[str] = []
        """The fields of which the lines stand already, each in a variable ``v_<field>``."""

    def named(self, value: Any) -> str:
        """A name for something that lines use."""
        name = f"n{len(self.names)}"
        self.names[name] = value
        return name

    def value(self, schema: Mapping[str, Any], var: str, field: str) -> tuple[Any, Lines]:
        kind = kind_of(schema)
        match kind:
            case "bool":
                return bool, []
            case "int" | "float":
                bounds = {name: schema[name] for name in ("ge", "le") if name in schema}
                return Annotated[int if kind == "int" else float, Meta(**bounds)], []
            case "literal":
                return self._literal(schema)
            case "str":
                return self._text(schema, var)
            case "nullable":
                inner, lines = self.value(schema["schema"], var, field)
                return Union[inner, None], _unless_null(var, lines)  # noqa: UP007  (not of types alone)
            case "tuple":
                return self._tuple(schema, var, field)
            case "dict":
                return self._mapping(schema, var, field)
            case "function-before":
                return self._before(schema, var)
            case "function-after":
                return self._after(schema, var, field)
            case _:
                struct, build = self._nested(schema)
                return struct, [f"{var} = {self.named(build)}({var})"]

    def _literal(self, schema: Mapping[str, Any]) -> tuple[Any, Lines]:
        words = schema["expected"]
        if not all(type(word) is str for word in words):
            raise UnsupportedError("a literal that is no text")
        return Literal[tuple(words)], []

    def _text(self, schema: Mapping[str, Any], var: str) -> tuple[Any, Lines]:
        shortest, longest, lines = self._lengths_and_test(schema, var)
        return Annotated[str, Meta(min_length=shortest, max_length=longest)], lines

    def _lengths_and_test(self, schema: Mapping[str, Any], var: str) -> tuple[int, int | None, Lines]:
        shortest, longest = schema.get("min_length", 0), schema.get("max_length")
        if "pattern" not in schema:
            return shortest, longest, []
        told = told_by(schema["pattern"])
        if told.only:
            bad = f"{var}.strip({told.only!r})"
        elif told.printable:
            bad = f"not {var}.isprintable()"
        else:
            bad = f"not {self.named(told.whole)}({var})"
        longest = min((most for most in (longest, told.longest) if most is not None), default=None)
        return max(shortest, told.shortest), longest, [f"if {bad}: raise UnsureError"]

    def _tuple(self, schema: Mapping[str, Any], var: str, field: str) -> tuple[Any, Lines]:
        if schema.get("variadic_item_index") != 0 or len(schema["items_schema"]) != 1:
            raise UnsupportedError("a tuple of a fixed length")
        one = f"{var}_"
        inner, lines = self.value(schema["items_schema"][0], one, field)
        every: Any = tuple.__class_getitem__((inner, ...))
        kept = Annotated[every, Meta(max_length=schema.get("max_length"))]
        if not any(line.lstrip().startswith(f"{one} = ") for line in lines):
            return kept, [f"for {one} in {var}:", *indented(lines)] if lines else []
        if len(lines) == 1:  # one call and no check: a comprehension is quicker
            return kept, [f"{var} = tuple([{lines[0].removeprefix(f'{one} = ')} for {one} in {var}])"]
        listed = f"{var}l"
        loop = [f"for {one} in {var}:", *indented([*lines, f"{listed}.append({one})"])]
        return kept, [f"{listed} = []", *loop, f"{var} = tuple({listed})"]

    def _mapping(self, schema: Mapping[str, Any], var: str, field: str) -> tuple[Any, Lines]:
        key, one, made = f"{var}k", f"{var}_", f"{var}d"
        keys, key_lines = self.value(schema["keys_schema"], key, field)
        values, lines = self.value(schema["values_schema"], one, field)
        each = indented([*key_lines, *lines, f"{made}[{key}] = {one}"])
        return dict.__class_getitem__((keys, values)), [
            f"{made} = {{}}",
            f"for {key}, {one} in {var}.items():",
            *each,
            f"{var} = {made}",
        ]

    def _before(self, schema: Mapping[str, Any], var: str) -> tuple[Any, Lines]:
        function, inner = schema["function"], schema["schema"]
        if function["type"] != "no-info":
            raise UnsupportedError("a validator before that is told of other fields")
        called = [f"{var} = {self.named(function['function'])}({var})"]
        if kind_of(inner) == "datetime":
            # ``Time``: what its function makes of a text is aware and in UTC, and Pydantic leaves it so.
            return str, _tried(called)
        if kind_of(inner) != "str":
            raise UnsupportedError("a validator before what is no text")
        shortest, longest, lines = self._lengths_and_test(inner, var)
        if shortest:
            lines.append(f"if len({var}) < {shortest}: raise UnsureError")
        if longest is not None:
            lines.append(f"if len({var}) > {longest}: raise UnsureError")
        return str, _tried(called) + lines

    def _after(self, schema: Mapping[str, Any], var: str, field: str) -> tuple[Any, Lines]:
        function = schema["function"]
        inner, lines = self.value(schema["schema"], var, field)
        called = self.named(function["function"])
        if function["type"] == "no-info":
            return inner, lines + _tried([f"{var} = {called}({var})"])
        data = ", ".join(f"{name!r}: v_{name}" for name in self.before)
        return inner, lines + _tried([f"{var} = {called}({var}, Info({field!r}, {{{data}}}))"])


def _unless_null(var: str, lines: Lines) -> Lines:
    return [f"if {var} is not None:", *indented(lines)] if lines else []


def _tried(lines: Lines) -> Lines:
    # The two that Pydantic takes for a refusal.
    return ["try:", *indented(lines), "except (ValueError, AssertionError): raise UnsureError from None"]
