"""What a field of an event takes: its kind, and of one with fields which there are and which it needs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from shared.expressions.kinds import ANY, ByName, Kind, Many, Table, kind_of
from shared.schemas.base import Data, Money


@dataclass(frozen=True, slots=True)
class Target:
    """Where a value goes."""

    kind: Kind
    model: type[BaseModel] | None = None
    """What has the fields; None where nobody knows them."""
    aware: bool = False
    """Of a time: it is wanted as such, and not as JSON has it."""

    @property
    def name(self) -> str:
        """For people: an event's short type, or what a part of it is."""
        if self.model is None:
            return "it"
        if issubclass(self.model, Data):
            return short(self.model.event_type)
        return self.model.__name__

    @property
    def may_be_list(self) -> bool:
        return isinstance(self.kind, Many) or self.kind is ANY

    @property
    def is_money(self) -> bool:
        return self.model is Money and isinstance(self.kind, Table)

    @property
    def of(self) -> "Target":
        """Of a list, its entries."""
        return Target(self.kind.of, self.model) if isinstance(self.kind, Many) else Target(ANY)

    @property
    def names(self) -> str:
        return ", ".join(_named(self.model)) if self.model is not None else ""

    def inside(self, field: str) -> "Target | None":
        """One of its fields; None where it has none of that name."""
        if isinstance(self.kind, Table) and self.model is not None:
            return _named(self.model).get(field)
        if isinstance(self.kind, ByName):
            return Target(self.kind.of)
        return Target(ANY) if self.kind is ANY else None

    def missing(self, told: Mapping[str, object]) -> Iterator[str]:
        """What it needs and is not told."""
        if self.model is None or not isinstance(self.kind, Table):
            return
        for name, field in self.model.model_fields.items():
            if field.is_required() and (field.alias or name) not in told:
                yield field.alias or name


def of_event(data: type[Data]) -> Target:
    """An event's data."""
    return Target(kind_of(data), data)


def short(event_type: str) -> str:
    """``rapport.purchase.made.v1`` -> ``purchase.made``."""
    return event_type.removeprefix("rapport.").rpartition(".v")[0]


@cache
def _named(model: type[BaseModel]) -> dict[str, Target]:
    return {
        field.alias or name: Target(kind_of(field.annotation), _model(field.annotation))
        for name, field in model.model_fields.items()
    }


def _model(annotation: Any) -> type[BaseModel] | None:
    """The model inside an annotation, where there is but one."""
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _model(args[0])
    if origin in (Union, UnionType):
        found = {_model(arg) for arg in args if arg is not NoneType}
        return found.pop() if len(found) == 1 else None
    if origin in (tuple, list, frozenset):
        return _model(args[0])
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None
