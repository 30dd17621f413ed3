"""docs/events.md: each topic's types, fields and meanings in tables, made from the models."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from shared.schemas.asyncapi import CUT_HEADERS, DEAD_LETTER_HEADERS, topic_text, type_text
from shared.schemas.base import ID_PATTERN, Data
from shared.schemas.envelope import CODES
from shared.schemas.topics import OWN_TYPES, TOPICS, TYPES
from shared.schemas.upcast import UPCASTERS

Schema = Mapping[str, Any]

_INTRO = """<!-- Made by `python -m shared.schemas.generate`; do not edit. -->
# Events

Every record is a CloudEvent 1.0 whose key and `subject` are the customer's id, on `teams` the team's; of a
command about a product its SKU, or a hash of that.
Unknown data fields are kept. A field with `?` may be left out. Money is in minor units; times are RFC 3339
with an offset, to the microsecond (more digits are cut, a leap second is the last microsecond of its day);
whole numbers may be written 1299.0; an id is 1 to 128 characters of `[A-Za-z0-9._:-]`. Types marked * are
written by Rapport alone. How to send events, by HTTP and Kafka, is in [cloudevents.md](cloudevents.md); JSON
Schemas are in `schemas/`, all topics in `asyncapi.json`.

The event's `source` and `id` name it for ever among those of its customer: told again under them it has no
second effect. Most facts are about a thing with a name of its own, which is known for 800 days at least; a
second table by topic says what names it, what becomes of a fact that is heard late, and what a copy under
another event id does. A copy is in the customer's timeline, marked as one.

A dead letter does not use its id up: the event put right, sent under the same id, takes effect in every
service in which the bad one had none, and its row of the timeline takes the bad one's place. A step of a
complaint that was refused, and so only remembered, is then as if it was never told, with its copies, even
where it has come to hold meanwhile.
"""


def events_page(schemas: Mapping[str, Schema]) -> str:
    """The page, from each type's JSON Schema by type."""
    parts = [_INTRO]
    shapes: dict[str, Schema] = {}
    for topic, classes in TOPICS.items():
        rows = [row for cls in classes for row in _type_rows(cls, schemas[cls.event_type])]
        parts.append(f"## `{topic}`\n\n{topic_text(topic)}\n")
        parts.append(_table(("type", "field", "type of field", "meaning"), rows))
        if told := _telling(classes):
            parts.append(_table(("type", "named by", "heard late", "told again under another id"), told))
        for cls in classes:
            shapes.update(schemas[cls.event_type].get("$defs", {}))
    parts.append("## Shared shapes\n")
    parts.append(_table(("shape", "field", "type of field", "meaning"), list(_shape_rows(shapes))))
    parts.append(_dead_letters())
    parts.append(_old_versions())
    return "\n".join(parts)


def _type_rows(cls: type[Data], schema: Schema) -> Iterator[tuple[str, ...]]:
    name = f"`{cls.event_type}`" + (" *" if cls.event_type in OWN_TYPES else "")
    yield name, "", "", type_text(cls)
    yield from (("", *cells) for cells in _field_cells(schema))


def _telling(classes: Sequence[type[Data]]) -> list[tuple[str, ...]]:
    """What names the events, what may come late, and what a copy does; types alike in one row."""
    rows: dict[tuple[str, ...], list[str]] = {}
    for cls in classes:
        if cls.late:
            rows.setdefault(_told(cls), []).append(f"`{cls.event_type}`")
    return [("<br>".join(types), *cells) for cells, types in rows.items()]


def _told(cls: type[Data]) -> tuple[str, ...]:
    if not cls.thing:
        return cls.known_by, cls.late, cls.again
    fields = ", ".join([cls.entity, *(f"`{field}`" for field in cls.named_by)])
    other = f"; with other data a dead letter `duplicate_{cls.thing}` of {cls.judge}" if cls.judge else ""
    return f"{cls.thing}: {fields}", cls.late, cls.again or f"Nothing: the first holds{other}."


def _shape_rows(shapes: Mapping[str, Schema]) -> Iterator[tuple[str, ...]]:
    for name, schema in sorted(shapes.items()):
        yield name, "", "", " ".join(schema.get("description", "").split())
        yield from (("", *cells) for cells in _field_cells(schema))


def _field_cells(schema: Schema) -> Iterator[tuple[str, str, str]]:
    required = schema.get("required", ())
    for name, field in schema.get("properties", {}).items():
        mark = "" if name in required else "?"
        yield f"`{name}`{mark}", type_name(field), " ".join(field.get("description", "").split())


def type_name(field: Schema) -> str:
    """A JSON Schema in words for people."""
    if "anyOf" in field:
        return " or ".join(type_name(part) for part in field["anyOf"] if part.get("type") != "null")
    if "$ref" in field:
        return str(field["$ref"]).rsplit("/", 1)[-1]
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    kind = field.get("type", "any")
    if kind == "array":
        return f"list of {type_name(field.get('items', {}))}"
    if kind == "string":
        if field.get("format") == "date-time":
            return "time"
        return "id" if field.get("pattern") == ID_PATTERN else "text"
    return {"integer": "whole number", "boolean": "true or false"}.get(kind, str(kind)) + _range(field)


def _range(field: Schema) -> str:
    # Bounds of 2^53 are those of JSON itself: true, and no news.
    low, high = (value if value is not None and abs(value) < 2**53 else None for value in
                 (field.get("minimum"), field.get("maximum")))  # fmt: skip
    if low is None:
        return "" if high is None else f", at most {high}"
    return f", {low} or more" if high is None else f", {low} to {high}"


def _dead_letters() -> str:
    headers = [(f"`{name}`", meaning) for name, meaning in DEAD_LETTER_HEADERS.items()]
    codes = [(f"`{code}`", meaning) for code, meaning in CODES.items()]
    return "\n".join(
        (
            "## Dead letters\n",
            "`<topic>.dlq` holds what could not be used, as it came, with these headers added:\n",
            _table(("header", "meaning"), headers),
            "A record too large for a dead letter is cut, the largest part first, and has these too:\n",
            _table(("header", "meaning"), [(f"`{name}`", meaning) for name, meaning in CUT_HEADERS.items()]),
            "What nobody can read has one of these codes; a service adds its own for what it refuses:\n",
            _table(("code", "meaning"), codes),
        )
    )


def _old_versions() -> str:
    rows = [
        (f"`{old}`", f"`{step.target}`", type_text(TYPES[step.target]) if step.target in TYPES else "")
        for old, step in sorted(UPCASTERS.items())
    ]
    return "## Old versions\n\nRead for ever, as the type beside them.\n\n" + _table(
        ("old type", "read as", "meaning"), rows
    )


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join("| " + " | ".join(cell.replace("|", r"\|") for cell in line) + " |\n" for line in lines)
