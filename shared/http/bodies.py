"""What a request says in its body, taken exactly as its schema has it."""

from functools import partial
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, GetCoreSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, PydanticSerializationError, core_schema, to_json

from shared.schemas.integers import MOST

M = TypeVar("M", bound=BaseModel)

DEPTH = 64
"""How deep a body may be nested."""
WIDE = 2**63
"""What the store's integers hold: from ``-WIDE`` to below it."""


class _AsJson:
    """FastAPI reads JSON into Python and checks that, where a text of digits is a number and 0 is no. Here it
    is checked as the JSON it was, as an event is: only ``5.0`` is a whole number too."""

    def __get_pydantic_core_schema__(
        self, source: type[BaseModel], handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_before_validator_function(partial(_as_json, source), handler(source))


Told = Annotated[M, _AsJson()]
"""``body: Told[NewComplaint]`` in a route."""


def _as_json(model: type[BaseModel], value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    try:
        told = to_json(_whole(value, DEPTH))
    except (PydanticSerializationError, UnicodeEncodeError):
        raise PydanticCustomError("unicode", "holds text that is not Unicode") from None
    return model.__pydantic_validator__.validate_json(told, strict=True)


def _whole(value: Any, depth: int) -> Any:
    """The value with 5 for 5.0. A float past 2^53 stays one: 1e300 is no whole number that anybody counted.
    Raises ``PydanticCustomError`` where it is nested deeper than ``depth``, or holds an integer that the
    store has no room for."""
    if isinstance(value, float) and value.is_integer() and abs(value) <= MOST:
        return int(value)
    if isinstance(value, int) and not -WIDE <= value < WIDE:
        raise PydanticCustomError("wide", "holds an integer of more than 64 bits")
    if not isinstance(value, dict | list | tuple):
        return value
    if not depth:
        raise PydanticCustomError("depth", "is nested more than {most} deep", {"most": DEPTH})
    if isinstance(value, dict):
        return {name: _whole(inner, depth - 1) for name, inner in value.items()}
    return [_whole(inner, depth - 1) for inner in value]
