"""Every schema that was released of an event is read for ever; the APIs' documents are current."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from shared.schemas.topics import TYPES
from tools import openapi, released


def test_what_was_released_is_read_for_ever() -> None:
    assert released.faults() == []


def test_every_type_is_in_the_baseline() -> None:
    """Else nothing guards it. What was never released may be taken out by hand, to change it."""
    missing = set(TYPES) ^ set(released.released())
    assert missing == set(), "run `python -m tools.released`"


OLD: dict[str, Any] = {
    "type": "object",
    "required": ["a"],
    "properties": {
        "a": {"type": "integer", "minimum": 1, "maximum": 9},
        "b": {"anyOf": [{"type": "string", "maxLength": 5}, {"type": "null"}]},
        "c": {"enum": ["x", "y"], "type": "string"},
        "d": {"type": "array", "items": {"type": "object", "properties": {"e": {"type": "number"}}}},
    },
}


def changed(change: Callable[[dict[str, Any]], object]) -> list[str]:
    new = copy.deepcopy(OLD)
    change(new)
    return list(released.broken(OLD, new))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda new: new["required"].append("b"), "data.b: was not needed and is"),
        (lambda new: new["properties"].pop("b"), "data.b: was told and is not"),
        (
            lambda new: new["properties"]["a"].update(type="string"),
            "data.a: the type was integer and is string",
        ),
        (lambda new: new["properties"]["a"].update(minimum=2), "data.a: minimum was 1 and is 2"),
        (lambda new: new["properties"]["a"].update(maximum=8), "data.a: maximum was 9 and is 8"),
        (lambda new: new["properties"]["a"].update(multipleOf=2), "data.a: multipleOf was none and is 2"),
        (lambda new: new["properties"]["b"]["anyOf"].pop(), '{"type": "null"} is allowed no longer'),
        (lambda new: new["properties"]["b"]["anyOf"][0].update(maxLength=4), "is allowed no longer"),
        (lambda new: new["properties"]["c"]["enum"].pop(), "data.c: y is allowed no longer"),
        (lambda new: new["properties"]["d"].update(minItems=1), "data.d: minItems was none and is 1"),
        (
            lambda new: new["properties"]["d"]["items"].update(required=["e"]),
            "data.d[].e: was not needed and is",
        ),
        (lambda new: new.update(additionalProperties=False), "other fields were allowed and are not"),
        (lambda new: new["properties"].update(b={"type": "string"}), "is allowed no longer"),
    ],
)
def test_what_would_break_a_producer_is_told(change: Callable[[dict[str, Any]], object], said: str) -> None:
    assert any(said in one for one in changed(change)), changed(change)


@pytest.mark.parametrize(
    "change",
    [
        lambda new: None,
        lambda new: new["properties"].update(f={"type": "string"}),
        lambda new: new["required"].clear(),
        lambda new: new["properties"]["a"].update(minimum=0, maximum=99),
        lambda new: new["properties"]["a"].update(type="number"),
        lambda new: new["properties"]["a"].pop("maximum"),
        lambda new: new["properties"]["b"]["anyOf"].append({"type": "integer"}),
        lambda new: new["properties"]["c"]["enum"].append("z"),
        lambda new: new["properties"]["d"]["items"]["properties"].update(g={"type": "null"}),
    ],
)
def test_what_breaks_nobody_is_fine(change: Callable[[dict[str, Any]], object]) -> None:
    assert changed(change) == []


def test_a_schema_is_compared_with_every_one_released(monkeypatch: pytest.MonkeyPatch) -> None:
    first = copy.deepcopy(released.today()["rapport.purchase.made.v1"])
    first["properties"]["gone"] = {"type": "string"}
    told = {"rapport.purchase.made.v1": [first, released.today()["rapport.purchase.made.v1"]]}
    monkeypatch.setattr(released, "released", lambda: told | {"rapport.no_more.v1": [{}]})
    assert released.faults() == [
        "rapport.purchase.made.v1 (1 of 2 released): data.gone: was told and is not",
        "rapport.no_more.v1: was released and is no type any more",
    ]


def test_the_apis_documents_are_current(capsys: pytest.CaptureFixture[str]) -> None:
    assert openapi.main(["--check"]) == 0, f"python -m tools.openapi: {capsys.readouterr().out}"


@pytest.mark.parametrize("service", ["interactions", "loyalty", "followup", "metrics"])
def test_a_document_refers_to_nothing_that_is_not_there(service: str) -> None:
    text = (openapi.FOLDER / f"{service}.json").read_text(encoding="utf-8")
    schemas = json.loads(text)["components"]["schemas"]
    for part in text.split('"$ref": "')[1:]:
        place = part.partition('"')[0]
        assert place.removeprefix("#/components/schemas/") in schemas, place
