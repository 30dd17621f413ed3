"""The documents others read are those of the models as they are now, and sound."""

import json
import re
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from shared.schemas.codec import CODES, decode, open_envelope, parse_cloudevent
from shared.schemas.generate import DOCS, documents, main, stale
from shared.schemas.purchases import PurchaseMade
from shared.schemas.topics import TOPICS, TYPES

# The examples of CONTRACT.md, with its data spelled out.
PURCHASE_DATA = {
    "order_id": "o-1",
    "channel": "web",
    "total": {"amount": 1299, "currency": "EUR"},
    "items": [{"sku": "x", "quantity": 1, "unit_price": {"amount": 1299, "currency": "EUR"}}],
    "voucher_codes": [],
}
PURCHASE = {
    "specversion": "1.0",
    "id": "r-000123",
    "source": "/pos/store-17",
    "type": "rapport.purchase.made.v1",
    "subject": "cust-00042",
    "time": "2026-11-22T10:00:00Z",
    "datacontenttype": "application/json",
    "data": PURCHASE_DATA,
}
NOW = datetime(2026, 11, 22, 11, 0, tzinfo=UTC)
KEYWORDS = {
    "$schema": str, "$id": str, "$defs": dict, "$ref": str, "title": str, "description": str, "type": str,
    "properties": dict, "required": list, "additionalProperties": (bool, dict), "propertyNames": dict,
    "items": dict, "enum": list,
    "anyOf": list, "allOf": list, "if": dict, "then": dict, "not": dict, "pattern": str, "format": str,
    "minimum": (int, float), "maximum": (int, float), "minLength": int, "maxLength": int,
    "maxItems": int,
    "const": object, "default": object,
}  # fmt: skip
TYPE_NAMES = {"object", "array", "string", "integer", "number", "boolean", "null"}


_INNER = ("items", "if", "then", "not", "additionalProperties", "propertyNames")


def subschemas(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The schema and every schema in it."""
    yield schema
    inner: list[dict[str, Any]] = [schema[key] for key in _INNER if isinstance(schema.get(key), dict)]
    for key in ("properties", "$defs"):
        inner += schema.get(key, {}).values()
    for key in ("anyOf", "allOf"):
        inner += schema.get(key, ())
    for part in inner:
        yield from subschemas(part)


def resolve(document: Any, pointer: str) -> Any:
    assert pointer.startswith("#/")
    for step in pointer[2:].split("/"):
        document = document[step]
    return document


def refs(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from refs(value)
    elif isinstance(node, list):
        for value in node:
            yield from refs(value)


def test_the_documents_are_current() -> None:
    assert stale(DOCS) == [], "run: python -m shared.schemas.generate"


def test_they_are_the_same_at_every_call() -> None:
    assert documents() == documents()


def test_check_names_what_is_stale_and_writing_mends_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    docs = tmp_path / "docs"
    shutil.copytree(DOCS / "schemas", docs / "schemas")
    for name in ("asyncapi.json", "events.md"):
        shutil.copy(DOCS / name, docs / name)
    (docs / "other.md").write_text("not generated")
    arguments = ["--docs", str(docs)]
    assert main([*arguments, "--check"]) == 0

    (docs / "events.md").write_text("old")
    (docs / "schemas" / "rapport.purchase.dreamt.v1.json").write_text("{}")
    (docs / "schemas" / "rapport.purchase.made.v1.json").unlink()
    capsys.readouterr()
    assert main([*arguments, "--check"]) == 1
    lines = capsys.readouterr().out.splitlines()
    names = ["events.md", "schemas/rapport.purchase.dreamt.v1.json", "schemas/rapport.purchase.made.v1.json"]
    assert lines == [f"stale: {docs / name}" for name in names]
    assert (docs / "events.md").read_text() == "old"

    assert main(arguments) == 0
    assert main([*arguments, "--check"]) == 0
    assert not (docs / names[1]).exists()
    assert (docs / "other.md").exists()


def test_the_contracts_example_parses_in_both_modes() -> None:
    value = json.dumps(PURCHASE).encode()
    event = parse_cloudevent(value, NOW)
    assert isinstance(event.data, PurchaseMade)
    assert event.data.total.amount == 1299
    headers = [("content-type", b"application/cloudevents+json")]
    assert decode(open_envelope(b"cust-00042", value, headers), wall_now=NOW) == event
    binary = [("content-type", b"application/json")]
    for name in ("specversion", "id", "source", "type", "subject", "time"):
        binary.append((f"ce_{name}", str(PURCHASE[name]).encode()))
    value = json.dumps(PURCHASE_DATA).encode()
    assert decode(open_envelope(b"cust-00042", value, binary), wall_now=NOW) == event


@pytest.mark.parametrize("event_type", TYPES)
def test_each_json_schema_is_valid(event_type: str) -> None:
    schema = json.loads((DOCS / "schemas" / f"{event_type}.json").read_text(encoding="utf-8"))
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["type"] == "object"
    try:
        from jsonschema import Draft202012Validator
    except ImportError:
        pass
    else:
        Draft202012Validator.check_schema(schema)
    for part in subschemas(schema):
        for keyword, value in part.items():
            assert isinstance(value, KEYWORDS[keyword]), (keyword, value)
        assert part.get("type", "object") in TYPE_NAMES
        assert set(part.get("required", ())) <= set(part.get("properties", part.get("required", ())))
        re.compile(part.get("pattern", ""))
    for ref in refs(schema):
        assert resolve(schema, ref)["type"] == "object"


def test_the_conditions_between_fields_are_in_the_schemas() -> None:
    survey = json.loads((DOCS / "schemas" / "rapport.survey.answered.v1.json").read_text(encoding="utf-8"))
    ranges = {
        part["if"]["properties"]["survey"]["const"]: part["then"]["properties"]["score"]
        for part in survey["allOf"]
    }
    assert ranges == {
        "nps": {"minimum": 0, "maximum": 10},
        "csat": {"minimum": 1, "maximum": 5},
        "ces": {"minimum": 1, "maximum": 7},
    }
    made = json.loads((DOCS / "schemas" / "rapport.purchase.made.v1.json").read_text(encoding="utf-8"))
    assert made["properties"]["total"]["properties"]["amount"]["minimum"] == 0


def test_the_asyncapi_document_has_every_topic_type_and_dead_letter() -> None:
    document = json.loads((DOCS / "asyncapi.json").read_text(encoding="utf-8"))
    assert document["asyncapi"] == "3.0.0"
    assert set(document["channels"]) == {name for topic in TOPICS for name in (topic, f"{topic}.dlq")}
    for topic, classes in TOPICS.items():
        channel = document["channels"][topic]
        assert channel["address"] == topic
        assert channel["description"]
        assert list(channel["messages"]) == [cls.event_type for cls in classes]
    for ref in refs(document):
        assert resolve(document, ref)
    dead = resolve(document, document["channels"]["purchases.dlq"]["messages"]["deadLetter"]["$ref"])
    assert set(dead["headers"]["required"]) == {
        "rapport-service", "rapport-error", "rapport-error-detail", "rapport-origin", "rapport-failed-at",
    }  # fmt: skip
    for event_type, cls in TYPES.items():
        payload = document["components"]["messages"][event_type]["payload"]["allOf"][1]["properties"]
        assert payload["type"]["const"] == event_type
        assert resolve(document, payload["data"]["$ref"])["title"] == cls.__name__


def test_operations_say_who_writes_what() -> None:
    operations = json.loads((DOCS / "asyncapi.json").read_text(encoding="utf-8"))["operations"]
    written = {
        ref.rsplit("/", 1)[-1]
        for op in operations.values()
        if op["action"] == "send"
        for ref in refs(op["messages"])
    }
    read = {
        ref.rsplit("/", 1)[-1]
        for op in operations.values()
        if op["action"] == "receive"
        for ref in refs(op["messages"])
    }
    assert written | read == {*TYPES, "deadLetter"}
    assert not written & read
    assert "rapport.points.earned.v1" in written
    assert "rapport.purchase.made.v1" in read


def test_the_page_lists_every_topic_type_field_and_code() -> None:
    page = (DOCS / "events.md").read_text(encoding="utf-8")
    for topic, classes in TOPICS.items():
        section = page.split(f"## `{topic}`\n")[1].split("\n## ")[0]
        for cls in classes:
            rows = section.split(f"| `{cls.event_type}`")[1].split("| `rapport.")[0]
            for name in cls.model_json_schema().get("properties", {}):
                assert f"| `{name}`" in rows, (cls, name)
    for code in CODES:
        assert f"| `{code}` |" in page


def test_every_fact_says_what_names_it_what_may_come_late_and_what_a_copy_does() -> None:
    page = (DOCS / "events.md").read_text(encoding="utf-8")
    tables = [part.split("\n\n")[0] for part in page.split("| type | named by |")[1:]]
    rows = [line for table in tables for line in table.splitlines()[2:]]
    for topic in TOPICS.keys() - {"commands", "clock"}:
        for cls in TOPICS[topic]:
            (row,) = (row for row in rows if f"`{cls.event_type}`" in row)
            _, named, late, again = row.strip("| ").split(" | ")
            assert late, cls
            assert again, cls
            assert named.startswith(cls.thing), cls
            assert all(f"`{field}`" in named for field in cls.named_by), cls
            assert not (cls.thing and cls.judge) or f"`duplicate_{cls.thing}` of {cls.judge}" in again, cls
