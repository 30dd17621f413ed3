"""Values to try templates with: for each type of a trigger's field such as are met in life. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import AwareDatetime, TypeAdapter, ValidationError

from services.followup.domain.rules.events import data_class
from services.followup.domain.rules.rule import Rule
from services.followup.domain.state import Variable
from shared.schemas.base import Money

TEXTS: Sequence[Variable] = ('Tea & <b>biscuits</b>, "7 o\'clock" {{ 7 }} %(x)s %', "Kettle")
COUNTS: Sequence[Variable] = (1_250, 0, 1, 2)
"""Many first: what is shown where one is enough."""
TIMES: Sequence[Variable] = ("2026-03-05T23:30:00+00:00", "2028-02-29T12:00:00+00:00")
MONEY: Sequence[Variable] = (
    {"amount": 129_950, "currency": "EUR"},
    {"amount": 0, "currency": "EUR"},
    {"amount": 12_000, "currency": "JPY"},
    {"amount": -5, "currency": "USD"},
)
FRACTIONS: Sequence[Variable] = (0.5, 1.0, 0.0)


def of_rule(rule: Rule) -> dict[str, Sequence[Variable]]:
    """Of each variable of a rule what it may be, the usual first and, where a trigger may leave it out,
    None last."""
    found: dict[str, Sequence[Variable]] = {}
    for name in rule.variables:
        fields = [data_class(event).model_fields[name] for event in rule.events]
        kinds = [of_type(field.rebuild_annotation(), name) for field in fields]
        kinds += [of_date(name) for start in rule.dated if name in start.variables]
        values: list[Variable] = []
        for kind in kinds:
            values += [value for value in kind if value not in values]
        found[name] = sorted(values, key=lambda value: value is None)
    return found


def of_date(name: str) -> Sequence[Variable]:
    """What a rule that starts at a date, or by a segment, tells of it."""
    if name == "years":
        return (*FEW, None)
    if name.endswith("_id"):
        return (ID,)
    return TIMES if name == "date" or name.endswith("_at") else TEXTS


def of_type(kind: Any, name: str) -> Sequence[Variable]:
    """What a field of this type may be, as templates are given it."""
    origin = get_origin(kind)
    if origin is Annotated:
        return _within(kind, of_type(get_args(kind)[0], name))
    if origin in (Union, UnionType):
        return [value for part in get_args(kind) for value in of_type(part, name)]
    if origin is Literal:
        return get_args(kind)
    if kind is NoneType:
        return (None,)
    if kind is AwareDatetime:
        return TIMES
    if not isinstance(kind, type):
        return (f"{name}: {kind}",)
    for known, values in _KINDS:
        if issubclass(kind, known):
            return values
    return (f"[{name}]",)


ID = "k-1042"
FEW: Sequence[Variable] = (3, 1, 2, 12, 13)
"""Counts that cannot be large, such as years."""
_KINDS: tuple[tuple[type, Sequence[Variable]], ...] = (
    (bool, (True, False)),
    (int, COUNTS),
    (float, FRACTIONS),
    (Money, MONEY),
    (str, TEXTS),
)


def usual(values: Mapping[str, Sequence[Variable]]) -> dict[str, Variable]:
    """Each variable as it usually is."""
    return {name: some[0] for name, some in values.items()}


def sets(values: Mapping[str, Sequence[Variable]]) -> Iterator[dict[str, Variable]]:
    """What to try a template with: all as usual, each value of each variable beside the usual others, and
    all that may be missing missing."""
    first = usual(values)
    yield first
    for name, some in values.items():
        yield from ({**first, name: value} for value in some[1:])
    yield {name: None if None in some else some[0] for name, some in values.items()}


def _within(kind: Any, values: Sequence[Variable]) -> Sequence[Variable]:
    """Those that the field takes; where it takes no text, an id."""
    takes = TypeAdapter[Any](kind)
    if values is TEXTS and not _valid(takes, TEXTS[0]):
        return (ID,)
    if values is COUNTS and not _valid(takes, 10_000):
        values = FEW
    return [value for value in values if _valid(takes, value)]


def _valid(takes: TypeAdapter[Any], value: Variable) -> bool:
    try:
        takes.validate_python(value)
    except ValidationError:
        return False
    return True
