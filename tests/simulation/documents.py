"""MongoDB's queries and updates on one document, as far as the stores use them. Pure.

What is not known here raises ``NotImplementedError``: a query that is silently wrong would be worse
than none.
"""

from collections.abc import Callable, Mapping
from datetime import UTC
from typing import Any

import bson
from bson.codec_options import CodecOptions

Document = dict[str, Any]
CODEC: CodecOptions[Document] = CodecOptions(tz_aware=True, tzinfo=UTC)
_MISSING = object()


def freeze(document: Mapping[str, Any]) -> bytes:
    """The document as BSON. Raises what the driver raises of one that is none."""
    return bson.encode(document, codec_options=CODEC)


def thaw(raw: bytes) -> Document:
    return bson.decode(raw, codec_options=CODEC)


def _get(document: Any, path: str) -> Any:
    found = document
    name, _, rest = path.partition(".")
    if isinstance(found, list):  # of an array, what its elements have
        each = [value for one in found if (value := _get(one, path)) is not _MISSING]
        return each or _MISSING
    if not isinstance(found, Mapping) or name not in found:
        return _MISSING
    return _get(found[name], rest) if rest else found[name]


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def test(value: Any, operand: Any) -> bool:
        try:
            return value is not _MISSING and value is not None and compare(value, operand)
        except TypeError:
            return False  # of another type: no range query finds it

    return test


def _equal(value: Any, operand: Any) -> bool:
    if value is _MISSING:
        return operand is None
    return bool(value == operand) or (isinstance(value, list) and operand in value)


_TESTS: dict[str, Callable[[Any, Any], bool]] = {
    "$eq": _equal,
    "$ne": lambda value, operand: not _equal(value, operand),
    "$in": lambda value, operand: any(_equal(value, o) for o in operand),
    "$nin": lambda value, operand: not any(_equal(value, o) for o in operand),
    "$lt": _ordered(lambda a, b: a < b),
    "$lte": _ordered(lambda a, b: a <= b),
    "$gt": _ordered(lambda a, b: a > b),
    "$gte": _ordered(lambda a, b: a >= b),
    "$mod": _ordered(lambda a, b: a % b[0] == b[1]),
    "$exists": lambda value, operand: (value is not _MISSING) == bool(operand),
}


def matches(document: Mapping[str, Any], query: Mapping[str, Any]) -> bool:
    """Whether the query finds the document."""
    for name, wanted in query.items():
        if name == "$and":
            if not all(matches(document, q) for q in wanted):
                return False
        elif name == "$or":
            if not any(matches(document, q) for q in wanted):
                return False
        elif name.startswith("$"):
            raise NotImplementedError(name)
        elif isinstance(wanted, Mapping) and wanted and next(iter(wanted)).startswith("$"):
            for operator, operand in wanted.items():
                if operator not in _TESTS:
                    raise NotImplementedError(operator)
                if not _TESTS[operator](_get(document, name), operand):
                    return False
        elif not _equal(_get(document, name), wanted):
            return False
    return True


def ids_of(query: Mapping[str, Any]) -> list[Any] | None:
    """The only ``_id`` values that the query can find; None if they may be any."""
    wanted = query.get("_id", _MISSING)
    if isinstance(wanted, Mapping):
        if "$in" in wanted:
            return list(wanted["$in"])
        return [wanted["$eq"]] if "$eq" in wanted else None
    return None if wanted is _MISSING else [wanted]


def seed(query: Mapping[str, Any]) -> Document:
    """What an upsert begins with where nothing was found."""
    document: Document = {}
    for name, wanted in query.items():
        if name.startswith("$"):
            continue
        if not isinstance(wanted, Mapping):
            _put(document, name, wanted)
        elif "$eq" in wanted:
            _put(document, name, wanted["$eq"])
    return document


def _put(document: Document, path: str, value: Any) -> None:
    *parents, last = path.split(".")
    for name in parents:
        document = document.setdefault(name, {})
    document[last] = value


def _drop(document: Document, path: str) -> None:
    *parents, last = path.split(".")
    for name in parents:
        if name not in document:
            return
        document = document[name]
    document.pop(last, None)


def updated(document: Mapping[str, Any], change: Mapping[str, Any], *, inserting: bool = False) -> Document:
    """The document after an update by operators."""
    after = thaw(freeze(document))
    for operator, fields in change.items():
        for path, operand in fields.items():
            before = _get(after, path)
            _apply(after, operator, path, None if before is _MISSING else before, operand, inserting)
    return after


def _apply(after: Document, operator: str, path: str, before: Any, operand: Any, inserting: bool) -> None:
    match operator:
        case "$set":
            _put(after, path, operand)
        case "$unset":
            _drop(after, path)
        case "$setOnInsert":
            if inserting:
                _put(after, path, operand)
        case "$inc":
            _put(after, path, (before or 0) + operand)
        case "$max":
            _put(after, path, operand if before is None else max(before, operand))
        case "$min":
            _put(after, path, operand if before is None else min(before, operand))
        case "$push" | "$addToSet":
            added = operand["$each"] if isinstance(operand, Mapping) and "$each" in operand else [operand]
            kept = list(before or [])
            kept += [a for a in added if operator == "$push" or a not in kept]
            _put(after, path, kept)
        case "$pull" | "$pullAll":
            goes = (lambda value: value in operand) if operator == "$pullAll" else _pulled(operand)
            if before is not None:
                _put(after, path, [value for value in before if not goes(value)])
        case _:
            raise NotImplementedError(operator)


def _pulled(operand: Any) -> Callable[[Any], bool]:
    """What of an array a ``$pull`` takes out."""
    if not isinstance(operand, Mapping):
        return lambda value: bool(value == operand)
    if set(operand) == {"$in"}:
        return lambda value: value in operand["$in"]
    if any(name.startswith("$") for name in operand):
        raise NotImplementedError(f"$pull of {operand}")  # no guess of what a server would do
    return lambda value: isinstance(value, Mapping) and matches(value, operand)


def projected(document: Document, projection: Any) -> Document:
    """The parts of it that are wanted."""
    if not projection:
        return document
    wanted = projection if isinstance(projection, Mapping) else dict.fromkeys(projection, 1)
    if not any(wanted.values()):
        return {k: v for k, v in document.items() if k not in wanted}
    kept = {"_id": document["_id"]} if "_id" in document and wanted.get("_id", 1) else {}
    within: dict[str, dict[str, Any]] = {}
    for path, is_wanted in wanted.items():
        name, dot, rest = path.partition(".")
        if is_wanted and name in document:
            if dot:
                within.setdefault(name, {"_id": 0})[rest] = 1
            else:
                kept[name] = document[name]
    return kept | {name: _part(document[name], parts) for name, parts in within.items()}


def _part(value: Any, parts: Mapping[str, Any]) -> Any:
    if isinstance(value, list):
        return [_part(one, parts) for one in value]
    return projected(value, parts) if isinstance(value, Mapping) else value
