"""States as stored, kept whole by a version that does not know all of what a later one has put into them.

While versions run side by side, or after a rollback, a state may hold fields that this code does not know.
It keeps them and writes them back. A model (``Open``) does that by itself, in ``__pydantic_extra__``; a
dataclass with slots has no place for them and refuses them (``extra="forbid"``). Only then, so at no cost
else, are they put aside within the state, and given back to what they were on when it is written.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias, TypeVar

from pydantic import BaseModel, ValidationError

from shared.runtime.compact import compact_of, document_of, is_compact

S = TypeVar("S", bound=BaseModel)
Fields: TypeAlias = dict[str, Any]

ASIDE = "~later"
"""The extra field of a state under which they travel: what they are on, by its name, and they."""
REFUSED = frozenset({"unexpected_keyword_argument", "extra_forbidden"})


def read_state(model: type[S], data: str | bytes) -> S:
    """The state that is stored as ``data``, text or compact. Raises ``ValidationError``, but not for a field
    it lacks; ``UnknownFormError``; of bytes that are broken ``ValueError``."""
    if not is_compact(data):
        return _read_text(model, data)
    compact = compact_of(model)
    try:
        state = None if compact is None else compact.read(data)
    except ValidationError:  # what is not packed may have a field of a later version: by names
        state = None
    return _read_text(model, json.dumps(document_of(data))) if state is None else state


def _read_text(model: type[S], text: str | bytes) -> S:
    try:
        return model.model_validate_json(text)
    except ValidationError as error:
        paths = [fault["loc"] for fault in error.errors() if fault["type"] in REFUSED]
        if len(paths) < error.error_count():
            raise
    document = json.loads(text)
    taken = [(path[:-1], path[-1], _at(document, path[:-1]).pop(str(path[-1]))) for path in paths]
    state = model.model_validate_json(json.dumps(document))
    as_written = json.loads(state.model_dump_json())
    aside: dict[str, Fields] = {}
    for path, field, value in taken:
        aside.setdefault(_name(_at(as_written, path)), {})[str(field)] = value
    return state.model_copy(update={ASIDE: aside})


def state_data(state: BaseModel, *, compact: bool) -> str | bytes:
    """The state as it is stored: text, unless it may be ``compact`` and its model can. What has fields of a
    later version aside is text, which all versions read; so is a number beyond 64 bits."""
    found = compact_of(type(state)) if compact else None
    if found is None or (state.__pydantic_extra__ and ASIDE in state.__pydantic_extra__):
        return state_text(state)
    try:
        return found.pack(state)
    except OverflowError:
        return state_text(state)


def state_text(state: BaseModel) -> str:
    """The state as text."""
    packed = compact_of(type(state))
    text = state.model_dump_json() if packed is None else packed.text(state)
    if not state.__pydantic_extra__ or ASIDE not in state.__pydantic_extra__:
        return text
    document = json.loads(text)
    aside = document.pop(ASIDE)
    for found in [*_objects(document)]:
        found.update(aside.get(_name(found), {}))
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False)


def size_of(data: str | bytes) -> int:
    """Characters of its text, about: what a state takes in memory goes by them."""
    return 2 * len(data) if is_compact(data) else len(data)


def _at(document: Any, path: tuple[int | str, ...]) -> Any:
    for step in path:
        document = document[step]
    return document


def _name(found: Mapping[str, Any]) -> str:
    """What an object is known by while its state changes: the names of its fields, and the values of the
    first two. So let these be ones that do not change. Where several objects have them alike, all are given
    the fields: they are parts of what was one."""
    return json.dumps([sorted(found), *[*found.values()][:2]])


def _objects(document: Any) -> Iterator[Fields]:
    """Every object within, itself too."""
    if isinstance(document, dict):
        yield document
        document = document.values()
    elif not isinstance(document, list):
        return
    for within in document:
        yield from _objects(within)
