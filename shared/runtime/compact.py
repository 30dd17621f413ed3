"""The compact form of a state: what it has dozens of as arrays, by MessagePack, and the rest as JSON.

A state model names in ``packed`` the fields that hold ``Part``s, or bytes. Its compact form is an array: the
form's number; the shape, which is each packed field and the names in its arrays; the rest as JSON without
what is as in a state that is new; then the packed fields. Who has another shape reads it by names.
"""

import base64
import json
from functools import cache
from typing import Any, Generic, Literal, TypeGuard, TypeVar, get_args

from msgspec import Raw, defstruct, msgpack, structs
from msgspec.json import encode as json_encode
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from shared.schemas.part import Part

S = TypeVar("S", bound=BaseModel)

FORM = 1
PACKED = "packed"


class UnknownFormError(Exception):
    """A state was written in a form of a later version."""


class Compact(Generic[S]):
    """Writes and reads the states of one model."""

    def __init__(self, model: type[S], packed: tuple[str, ...]) -> None:
        self._model = model
        self._packed = packed
        self._packed_names = {*packed}
        kinds = {name: model.model_fields[name].annotation for name in packed}
        shape = [[name, _names(kind)] for name, kind in kinds.items()]
        self._shape = Raw(msgpack.encode(shape))
        whole = [("form", Literal[1]), ("shape", Raw), ("head", bytes), *kinds.items()]
        decoder: msgpack.Decoder[Any] = msgpack.Decoder(defstruct("Whole", whole, array_like=True))
        self._decode = decoder.decode
        # What begins alike has the very shape.
        self._begins = bytes([0x90 + len(whole), FORM]) + bytes(self._shape)
        self._new = {
            name: field.default
            for name, field in model.model_fields.items()
            if field.default is not PydanticUndefined and name not in packed
        }

    def pack(self, state: S) -> bytes:
        """The state's compact form."""
        values = state.__dict__
        left_out = {name for name, default in self._new.items() if values[name] == default}
        left_out.update(self._packed)
        head = state.__pydantic_serializer__.to_json(state, exclude=left_out)
        return msgpack.encode((FORM, self._shape, head, *(values[name] for name in self._packed)))

    def text(self, state: S) -> str:
        """The state as text: Pydantic would ask Python for each part, and take longer."""
        values = state.__dict__
        head = state.__pydantic_serializer__.to_json(state, exclude=self._packed_names)
        parts = json_encode({name: _plain(values[name]) for name in self._packed})
        return (head[:-1] + b"," + parts[1:]).decode()

    def read(self, data: bytes) -> S | None:
        """The state; None if it has another shape. Raises ``ValidationError``."""
        if not data.startswith(self._begins):
            return None
        whole = self._decode(data)
        state: S = self._model.__pydantic_validator__.validate_json(whole.head)
        for name in self._packed:
            state.__dict__[name] = getattr(whole, name)
            state.__pydantic_fields_set__.add(name)
        return state


@cache
def compact_of(model: type[S]) -> Compact[S] | None:
    """Of a model that names what is packed."""
    packed = getattr(model, PACKED, ())
    return Compact(model, packed) if packed else None


def is_compact(data: str | bytes) -> TypeGuard[bytes]:
    return isinstance(data, bytes) and not data.startswith(b"{")


def document_of(data: str | bytes) -> dict[str, Any]:
    """What a stored state says, by names, whichever version wrote it and in which form. Raises
    ``UnknownFormError``."""
    if not is_compact(data):
        read: dict[str, Any] = json.loads(data)
        return read
    form, shape, head, *packed = msgpack.decode(data)
    if form != FORM:
        raise UnknownFormError(f"a state has the form {form}: a later version wrote it")
    document: dict[str, Any] = json.loads(head)
    for (name, names), value in zip(shape, packed, strict=True):
        if names:
            document[name] = [dict(zip(names, row, strict=False)) for row in value]
        else:
            document[name] = _plain(value)
    return document


def _plain(value: Any) -> Any:
    """A packed field as JSON has it."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return [structs.asdict(part) for part in value]


def _names(kind: Any) -> list[str]:
    """Of the arrays of a packed field; none of bytes."""
    part = next(iter(get_args(kind)), None)
    if part is None:
        return []
    assert issubclass(part, Part)
    return list(part.__struct_fields__)
