"""What kinds of values expressions meet, so that a member path can be checked before it is ever taken."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from dataclasses import field as held
from datetime import UTC, date, datetime, timedelta
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeAlias, Union, get_args, get_origin

from pydantic import AwareDatetime, BaseModel

from shared.schemas.times import micros, moment


@dataclass(frozen=True, slots=True)
class Plain:
    """A value without parts."""

    name: str

    def __str__(self) -> str:
        return self.name


TRUTH = Plain("true or false")
WHOLE = Plain("a whole number")
FRACTION = Plain("a number with a fraction")
TEXT = Plain("text")
TIME = Plain("a time")
LENGTH = Plain("a length of time")
NOTHING = Plain("null")
ANY = Plain("anything")
"""What a source may tell of its own, so that nobody can know it."""


@dataclass(frozen=True, slots=True)
class Many:
    """A list. ``table``: what is known of all of it, such as how many there ever were."""

    of: "Kind"
    table: "Table | None" = None

    def __str__(self) -> str:
        return "a list"


@dataclass(frozen=True, slots=True)
class ByName:
    """Values of one kind under names that nobody knows beforehand."""

    of: "Kind"

    def __str__(self) -> str:
        return "values by name"


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A value with fields."""

    name: str
    """For what is counted as used; no two tables share one."""
    fields: Mapping[str, "Field"]

    def __str__(self) -> str:
        return "a value with fields"


Kind: TypeAlias = Plain | Many | ByName | Table


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a table, and how it is read off what the table stands for; None: it is not known."""

    kind: Kind
    read: Callable[[Any], Any]
    attribute: str = ""
    """Of a model's field, its name in Python."""


@dataclass(slots=True)
class Use:
    """What an expression uses."""

    variables: set[str] = held(default_factory=set)
    wholes: set[str] = held(default_factory=set)
    """Variables that are lists, of which something is used that is known of all."""
    fields: dict[str, set[str]] = held(default_factory=dict)
    """Table -> its fields."""
    alone: set[tuple[str, str]] = held(default_factory=set)
    """Variables and fields that are handed in as a value each: a table around one costs as much again."""
    tables: set[str] = held(default_factory=set)
    """Variables that are handed in with all of their fields that are used."""
    functions: set[str] = held(default_factory=set)
    anything: bool = False
    """It reads what nobody can know beforehand."""
    clock: bool = False
    """It does more with times than to hand them to functions of ours: the engine must know them as such.
    Else they are microseconds, which cost it a tenth."""
    written: list[str] = held(default_factory=list)
    """Calls whose text must be what the function takes: a time, a pattern."""
    edits: list[tuple[int, int, str]] = held(default_factory=list)
    """What the engine is given in place of parts of the text: (start, end, text)."""


_PLAIN: Mapping[object, Plain] = {
    bool: TRUTH,
    int: WHOLE,
    float: FRACTION,
    str: TEXT,
    datetime: TIME,
    AwareDatetime: TIME,
    date: TEXT,
    timedelta: LENGTH,
}


def kind_of(annotation: Any) -> Kind:
    """The kind of what a field of an event holds; whether it may be left out does not matter here."""
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return kind_of(args[0])
    if origin in (Union, UnionType):
        kinds = {kind_of(arg) for arg in args if arg is not NoneType}
        return kinds.pop() if len(kinds) == 1 else ANY
    if origin is Literal:
        return _PLAIN.get(type(args[0]), ANY)
    if origin in (tuple, list, frozenset):
        return Many(kind_of(args[0]))
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return table_of(annotation)
    return _PLAIN.get(annotation, ANY)


@cache
def table_of(model: type[BaseModel]) -> Table:
    """A model's fields, under the names that events have, read off the JSON object that was kept of one."""
    fields = {}
    for name, field in model.model_fields.items():
        told = field.alias or name
        fields[told] = Field(kind_of(field.annotation), _from_json(told), name)
    return Table(model.__name__, fields)


def _from_json(name: str) -> Callable[[Any], Any]:
    return lambda kept: kept.get(name)


def itself(of: Any) -> Any:
    """Reads fields off what is at hand."""
    return of


def reader(
    read: Callable[[Any], Any], kind: Kind, use: Use, *, missing: bool = False
) -> Callable[[Any], Any]:
    """Reads something, and gives it as the engine takes it: of tables the fields that are used.
    ``missing``: it may read None, which is given as it is."""
    given = _given(kind, use)
    if given is None:
        return read
    if not missing:
        return lambda of: given(read(of))

    def told(of: Any) -> Any:
        value = read(of)
        return None if value is None else given(value)

    return told


def _given(kind: Kind, use: Use) -> Callable[[Any], Any] | None:
    """How a value is given; None: as it is."""
    match kind:
        case Table(name=name, fields=fields):
            return _table(
                [
                    (field, fields[field].read, _given(fields[field].kind, use))
                    for field in use.fields.get(name, ())
                ]
            )
        case Many(of=of):
            each = _given(of, use)
            return list if each is None else lambda values: [each(value) for value in values]
        case ByName():
            return dict
    if kind is not TIME:
        return None
    return _time if use.clock else _counted


def _table(
    parts: list[tuple[str, Callable[[Any], Any], Callable[[Any], Any] | None]],
) -> Callable[[Any], dict[str, Any]]:
    def given(value: Any) -> dict[str, Any]:
        shown = {}
        for field, read, give in parts:
            told = read(value)
            if told is not None:
                shown[field] = told if give is None else give(told)
        return shown

    return given


def _time(value: int | str) -> datetime:
    return moment(value) if isinstance(value, int) else datetime.fromisoformat(value)


def _counted(value: int | str) -> int:
    return value if isinstance(value, int) else micros(_aware(datetime.fromisoformat(value)))


def _aware(time: datetime) -> datetime:
    """As the engine takes one without an offset."""
    return time if time.tzinfo is not None else time.replace(tzinfo=UTC)
