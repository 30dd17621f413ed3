"""Readers that are compiled from models: a Struct that takes the JSON, a function that makes the model.

Pydantic stays the schema. Where a compiled reader has an answer it is the one that Pydantic would give;
where anything is unusual it has none (``UnsureError``, or msgspec's own errors), and Pydantic is asked.
"""

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Annotated, Any, Union, get_origin

import msgspec
from msgspec import NODEFAULT, UNSET, Struct, UnsetType
from pydantic import BaseModel

from shared.schemas.quick.values import Lines, UnsupportedError, UnsureError, Values, indented, kind_of

Build = Callable[[Any], Any]

MOST_SETS = 1024
FEW, MOST_SHARED = 3, 4096
"""A model of so few plain values is shared: so many of a kind are remembered."""
_CONFIG = frozenset(
    {
        "extra_fields_behavior",
        "hide_input_in_errors",
        "serialize_by_alias",
        "title",
        "validate_by_alias",
        "validate_by_name",
    }
)
# As model_construct does, in a third of its time: each attribute by its own descriptor.
_SETTERS = {
    "put_fields": BaseModel.__dict__["__dict__"].__set__,
    "put_given": BaseModel.__dict__["__pydantic_fields_set__"].__set__,
    "put_extra": BaseModel.__dict__["__pydantic_extra__"].__set__,
    "put_private": BaseModel.__dict__["__pydantic_private__"].__set__,
    "new": object.__new__,
}


class Compiled(Struct, frozen=True):
    """A model's quick way: what its JSON is decoded as, and what makes the model of that, or raises
    ``UnsureError``."""

    struct: type[Struct]
    build: Build
    part: Build
    """What makes it as a part of another model."""
    keeps_more: bool
    """The model keeps fields that it does not know."""
    names: frozenset[str]
    """Of all its fields in JSON: some may have no quick way."""

    def with_more(self) -> Build | None:
        """What makes the model of its JSON where that may have fields that it does not know, each a text, a
        whole number, a truth value or null; None where the model keeps none."""
        if not self.keeps_more:
            return None
        struct, build = self.struct, self.build
        lenient = msgspec.defstruct(
            f"{struct.__name__}Open", [], bases=(struct,), kw_only=True, forbid_unknown_fields=False, gc=False
        )
        known = frozenset(field.encode_name for field in msgspec.structs.fields(struct))
        slow = self.names - known
        read = msgspec.json.Decoder(lenient).decode

        def build_with_more(raw: msgspec.Raw) -> Any:
            model = build(read(raw))
            more = {name: _plain(one) for name, one in _members(raw).items() if name not in known}
            if not slow.isdisjoint(more):
                raise UnsureError
            _SETTERS["put_extra"](model, more)
            _SETTERS["put_given"](model, model.__pydantic_fields_set__ | more.keys())
            return model

        return build_with_more


_members: Callable[[msgspec.Raw], dict[str, msgspec.Raw]] = msgspec.json.Decoder(
    dict[str, msgspec.Raw]
).decode
_WORD = 2**63


def _plain(raw: msgspec.Raw) -> Any:
    """A value that all parsers take for the same. Raises ``UnsureError``."""
    value = msgspec.json.decode(raw)
    if not (
        value is None or isinstance(value, str | bool) or (isinstance(value, int) and -_WORD < value < _WORD)
    ):
        raise UnsureError
    return value


class Given(dict[int, set[str]]):
    """The names of the fields that were given, by the bits of those that were not. The sets are shared: a
    frozen model's is never changed, and a copy of the model has its own."""

    def __init__(self, names: list[str], optional: list[str]) -> None:
        super().__init__()
        self._names, self._optional = names, optional

    def __missing__(self, absent: int) -> set[str]:
        unset = {name for bit, name in enumerate(self._optional) if absent >> bit & 1}
        given = set(self._names) - unset
        if len(self) < MOST_SETS:  # who sends every combination there is fills no memory
            self[absent] = given
        return given


class Compiler:
    """Compiles models, each once."""

    def __init__(self) -> None:
        self._made: dict[type[BaseModel], Compiled] = {}
        self._under_way: set[type[BaseModel]] = set()

    def compiled(self, cls: type[BaseModel]) -> Compiled:
        """The quick way of ``cls``. Raises ``UnsupportedError``."""
        return self._model(cls.__pydantic_core_schema__, {})

    def _model(self, schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Compiled:
        kind = kind_of(schema)
        if kind == "definitions":
            return self._model(schema["schema"], {one["ref"]: one for one in schema["definitions"]})
        if kind == "definition-ref":
            return self._model(definitions[schema["schema_ref"]], definitions)
        if kind != "model":
            raise UnsupportedError(kind)
        cls = schema["cls"]
        if cls in self._under_way:
            raise UnsupportedError("a model that has itself in it")
        if cls not in self._made:

            def nested(inner: Mapping[str, Any]) -> tuple[type[Struct], Build]:
                compiled = self._model(inner, definitions)
                return compiled.struct, compiled.part

            self._under_way.add(cls)
            try:
                self._made[cls] = _compiled(schema, Values(nested))
            finally:
                self._under_way.remove(cls)
        return self._made[cls]


def _sharing(struct: type[Struct], build: Build) -> Build:
    """Where the model is a few plain values, such as a price: one that was made lately of the same, as models
    are frozen."""
    fields = msgspec.structs.fields(struct)
    if not 2 <= len(fields) <= FEW or any(_plain_type(field.type) not in (int, str) for field in fields):
        return build
    values = attrgetter(*(field.name for field in fields))
    made: dict[Any, Any] = {}

    def build_or_share(told: Any) -> Any:
        key = values(told)
        model = made.get(key)
        if model is None:
            model = build(told)
            if len(made) >= MOST_SHARED:
                made.clear()
            made[key] = model
        return model

    return build_or_share


def _plain_type(told: Any) -> Any:
    return told.__origin__ if get_origin(told) is Annotated else told


def _compiled(schema: Mapping[str, Any], values: Values) -> Compiled:
    cls, fields, config = schema["cls"], schema["schema"], schema.get("config", {})
    special = schema.get("custom_init") or schema.get("root_model") or cls.__private_attributes__
    if special or kind_of(fields) != "model-fields" or fields["computed_fields"] or config.keys() - _CONFIG:
        raise UnsupportedError(cls.__name__)
    members: list[Any] = []
    rename: dict[str, str] = {}
    optional: list[str] = []
    lines: Lines = []
    for name, field in fields["fields"].items():
        kind_of(field)
        rename[name] = field.get("validation_alias", name)
        var, told = f"v_{name}", field["schema"]
        if kind_of(told) == "default":
            absent = f"{var} = {_default(told, values)}; absent |= {1 << len(optional)}"
            try:
                read, made = values.value(told["schema"], var, name)
            except UnsupportedError:
                if told.get("validate_default"):
                    raise
                # Nothing of that name is read quickly: where it is given, Pydantic is asked.
                lines.append(absent)
            else:
                members.append((name, Union[read, UnsetType], UNSET))  # noqa: UP007  (not of types alone)
                lines += [f"{var} = told.{name}", *_unless_unset(var, absent, made, told)]
            optional.append(name)
        else:
            read, made = values.value(told, var, name)
            members.append((name, read, NODEFAULT))
            lines += [f"{var} = told.{name}", *made]
        values.before.append(name)
    struct = msgspec.defstruct(
        cls.__name__, members, kw_only=True, forbid_unknown_fields=True, gc=False, rename=rename
    )
    keeps_more = config.get("extra_fields_behavior") == "allow"
    build = _function(cls, lines, values, optional, "{}" if keeps_more else "None")
    return Compiled(struct, build, _sharing(struct, build), keeps_more, frozenset(rename.values()))


def _default(told: Mapping[str, Any], values: Values) -> str:
    default = told["default"]
    if default == {} and isinstance(default, dict):
        return "{}"
    if default is None or isinstance(default, (str, int, float, tuple)):
        return values.named(default)
    raise UnsupportedError(f"a default that is a {type(default).__name__}")


def _unless_unset(var: str, absent: str, made: Lines, told: Mapping[str, Any]) -> Lines:
    if told.get("validate_default"):
        return [f"if {var} is UNSET: {absent}", *made]
    if not made:
        return [f"if {var} is UNSET: {absent}"]
    return [f"if {var} is UNSET: {absent}", "else:", *indented(made)]


def _function(cls: type[BaseModel], lines: Lines, values: Values, optional: list[str], extra: str) -> Build:
    given = Given(values.before, optional)
    fields = ", ".join(f"{name!r}: v_{name}" for name in values.before)
    body = [
        *(["absent = 0"] if optional else []),
        *lines,
        "model = new(cls)",
        f"put_fields(model, {{{fields}}})",
        f"put_given(model, {'given[absent]' if optional else 'given'})",
        f"put_extra(model, {extra})",
        "put_private(model, None)",
        "return model",
    ]
    names = values.names | _SETTERS | {"cls": cls, "given": given if optional else given[0]}
    source = "\n".join(["def build(told):", *indented(body)])
    # Written of names and numbers of our own models, never of a word of an event.
    exec(compile(source, f"<reader of {cls.__name__}>", "exec"), names)  # nosec B102
    build: Build = names["build"]
    return build


__all__ = ["Compiled", "Compiler", "UnsupportedError", "UnsureError"]
