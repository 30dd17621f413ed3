"""The schemas of events as they were released, and whether today's still read what those allowed.

``python -m tools.released`` adds today's to the baseline, at a release. A schema of an event never takes back
what it allowed: a producer that keeps to any released one is understood for ever (backward, transitive), and
a field that was told is told on. A changed meaning is a new type suffix, and an upcaster.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from shared.schemas.generate import json_schema
from shared.schemas.topics import TYPES

BASELINE = Path(__file__).parents[1] / "docs" / "schemas" / "released" / "baseline.json"
Schema = Mapping[str, Any]
_WORDS = frozenset({"title", "description", "$id", "$schema", "examples", "default"})
_AT_LEAST = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
"""May fall, and never rise."""
_AT_MOST = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_SAME = ("pattern", "format", "uniqueItems", "const", "multipleOf")
"""May be taken away, and never be other than it was."""


def essence(schema: Any) -> Any:
    """A schema without what only people read, and with what it refers to in its place."""
    return _essence(schema, schema.get("$defs", {}))


def _essence(node: Any, parts: Mapping[str, Any], *, names: bool = False) -> Any:
    if isinstance(node, list):
        return [_essence(one, parts) for one in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node and not names:
        return _essence(parts[node["$ref"].rpartition("/")[2]], parts)
    kept = {k: v for k, v in node.items() if names or (k not in _WORDS and k != "$defs")}
    return {
        name: _essence(inner, parts, names=name == "properties" and not names) for name, inner in kept.items()
    }


def today() -> dict[str, Any]:
    """Type -> what its schema is now."""
    return {name: essence(json_schema(cls)) for name, cls in sorted(TYPES.items())}


def released() -> dict[str, list[Any]]:
    """Type -> every schema that was released of it, the oldest first."""
    found: dict[str, list[Any]] = json.loads(BASELINE.read_text(encoding="utf-8"))
    return found


def broken(old: Schema, new: Schema, place: str = "data") -> Iterator[str]:
    """Where what the old schema allows, the new one does not; each as a sentence that names the place."""
    choices, before = new.get("anyOf", [new]), old.get("anyOf", [old])
    if "anyOf" in new or "anyOf" in old:
        for one in before:
            if all(any(True for _ in broken(one, choice, place)) for choice in choices):
                yield f"{place}: {json.dumps(one, sort_keys=True)[:120]} is allowed no longer"
        return
    types = new.get("type")
    if types is not None and types != old.get("type") and (old.get("type"), types) != ("integer", "number"):
        yield f"{place}: the type was {old.get('type', 'any')} and is {types}"
    allowed = new.get("enum", [new["const"]] if "const" in new else None)
    if allowed is not None:
        told = old.get("enum", [old["const"]] if "const" in old else None)
        gone = ["anything"] if told is None else [value for value in told if value not in allowed]
        if gone:
            yield f"{place}: {', '.join(map(str, gone))} is allowed no longer"
    yield from _bounds(old, new, place)
    yield from _members(old, new, place)


def _bounds(old: Schema, new: Schema, place: str) -> Iterator[str]:
    for word in (*_AT_LEAST, *_AT_MOST):
        if word in new:
            was = old.get(word)
            tighter = was is None or (new[word] > was if word in _AT_LEAST else new[word] < was)
            if tighter:
                yield f"{place}: {word} was {'none' if was is None else was} and is {new[word]}"
    for word in _SAME:
        if word != "const" and word in new and new[word] != old.get(word):
            yield f"{place}: {word} was {old.get(word, 'none')} and is {new[word]}"


def _members(old: Schema, new: Schema, place: str) -> Iterator[str]:
    before, now = old.get("properties", {}), new.get("properties", {})
    for name in sorted(set(new.get("required", ())) - set(old.get("required", ()))):
        yield f"{place}.{name}: was not needed and is"
    for name in before:
        if name not in now:
            yield f"{place}.{name}: was told and is not"
        else:
            yield from broken(before[name], now[name], f"{place}.{name}")
    if "items" in new:
        yield from broken(old.get("items", {}), new["items"], f"{place}[]")
    more, was = new.get("additionalProperties", True), old.get("additionalProperties", True)
    if more is False and was is not False:
        yield f"{place}: other fields were allowed and are not"
    elif isinstance(more, dict):
        if isinstance(was, dict):
            yield from broken(was, more, f"{place}.*")
        elif was is not False:
            yield f"{place}: other fields could be anything and cannot"


def faults() -> list[str]:
    """Where today's schemas do not read what a released one allowed."""
    now = today()
    found: list[str] = []
    for name, schemas in released().items():
        if name not in now:
            found.append(f"{name}: was released and is no type any more")
            continue
        for number, schema in enumerate(schemas, 1):
            which = f"{name} ({number} of {len(schemas)} released)"
            found += [f"{which}: {fault}" for fault in broken(schema, now[name])]
    return found


def main() -> int:
    """Add today's schemas to the baseline; returns an exit status."""
    known = released() if BASELINE.is_file() else {}
    if known and (said := faults()):
        print("\n".join(said), file=sys.stderr)
        return 1
    for name, schema in today().items():
        of_type = known.setdefault(name, [])
        if not of_type or of_type[-1] != schema:
            of_type.append(schema)
    BASELINE.parent.mkdir(exist_ok=True)
    lines = (f"{json.dumps(name)}: {json.dumps(known[name], sort_keys=True)}" for name in sorted(known))
    BASELINE.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
