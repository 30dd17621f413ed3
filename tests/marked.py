"""Values that are known again wherever they turn up, put into every place that a JSON Schema has.

Ids in paths get none, as logs may have those; ids in an event, and all else, may be about a person.
"""

import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

ID = "marked-1"
AN_INSTANT = "2026-02-03T10:00:00Z"
PLAIN = ("de", "EUR", "10:00", "2026-02-03", "--02-03", AN_INSTANT, "Europe/Berlin", "a" * 64)
"""What is tried where a pattern takes no marked text."""


@dataclass(frozen=True)
class Marks:
    """One set of them: what to send, and what to look for."""

    word: str = field(default_factory=lambda: f"zq{uuid.uuid4().hex[:12]}")
    digits: str = field(default_factory=lambda: f"{uuid.uuid4().int % 10**8:08}")

    @property
    def text(self) -> str:
        return f"Zoë {self.word} of 12 Mark Street"

    @property
    def email(self) -> str:
        return f"{self.word}@example.com"

    @property
    def phone(self) -> str:
        return f"+49151{self.digits}"

    @property
    def id(self) -> str:
        return f"id.{self.word}"

    @property
    def sought(self) -> tuple[str, str]:
        return self.word, f"151{self.digits}"


@dataclass(frozen=True)
class Filler:
    """Fills the schemas of one document."""

    marks: Marks
    root: Mapping[str, Any]
    ids: Mapping[str, str]
    """Fields that name something that is there."""
    id: str = ID
    """What other ids are."""

    def good(self, schema: Mapping[str, Any], name: str = "") -> Any:
        """A value that the schema takes, most often, marked wherever it lets."""
        schema = self._resolved(schema)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return schema["enum"][0]
        match schema.get("type"):
            case "object":
                return self._object(schema)
            case "array":
                return [self.good(schema.get("items", {}), name)]
            case "integer" | "number":
                least = schema.get("minimum", schema.get("exclusiveMinimum", 0) + 1)
                return max(least, 1) if schema.get("maximum", 1) >= 1 else least
            case "boolean":
                return True
            case "null":
                return None
        return self._text(schema, name)

    def _object(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        told = {key: self.good(value, key) for key, value in schema.get("properties", {}).items()}
        more = schema.get("additionalProperties")
        if isinstance(more, dict) and not told:
            told["note"] = self.good(more, "note")
        return told

    def _text(self, schema: Mapping[str, Any], name: str) -> str:
        if name in self.ids:
            return self.ids[name]
        if schema.get("format") in ("date-time", "date"):
            return datetime.now(UTC).isoformat() if schema["format"] == "date-time" else "2026-02-03"
        if "email" in (schema.get("format"), name):
            return self.marks.email
        if name in ("phone", "to"):
            return self.marks.phone
        pattern = schema.get("pattern", "")
        least, most = schema.get("minLength", 0), schema.get("maxLength", 1000)
        for one in (self.marks.text, self.marks.email, self.marks.phone, self.id, *PLAIN):
            if least <= len(one) <= most and re.search(pattern, one):
                return one
        return self.marks.text

    def _resolved(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        while True:
            if "$ref" in schema:
                at: Any = self.root
                for part in schema["$ref"].removeprefix("#/").split("/"):
                    at = at[part]
                schema = at
            elif several := schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf"):
                schema = next((one for one in several if one.get("type") != "null"), several[0])
            else:
                return schema


def otherwise(value: Any) -> Iterator[Any]:
    """Good shapes whose numbers are other ones: what a domain may refuse."""
    for change in (1, -10):
        yield _each(value, lambda leaf, by=change: leaf + by if type(leaf) is int else leaf)


def bad(marks: Marks, value: Any) -> Iterator[Any]:
    """What may come instead of a good value: marks in every wrong place."""
    yield _each(value, lambda leaf: {marks.text: marks.text})
    yield _each(value, lambda leaf: f"{marks.text} " * 40 if isinstance(leaf, str) else [marks.text])
    yield _each(value, lambda leaf: marks.text)
    yield {**value, marks.text: marks.text} if isinstance(value, dict) else [marks.text]
    yield marks.text


def _each(value: Any, changed: Any) -> Any:
    if isinstance(value, dict):
        return {key: _each(one, changed) for key, one in value.items()}
    if isinstance(value, list):
        return [_each(one, changed) for one in value]
    return changed(value)
