"""Hostile records: good ones that were changed in each way that a parser may take differently."""

import json
from copy import deepcopy
from typing import Any

from hypothesis import strategies as st

from shared.schemas.topics import TYPES
from tests.unit.schemas.test_codec_round_trip import cloudevents

WORDS = """null true false 0 -0 -0.0 -1 1 1.0 1e0 1.5 11 1E400 1e-400 -1e999 NaN -Infinity 01 1. .5 + -"""
RAW = [
    *WORDS.split(),
    *(str(n) for n in (2**53, 2**53 + 1, -(2**53) - 1, 2**63, 2**64, 10**40)),
    *(f"{n}.0" for n in (2**53, 2**53 + 1)),
    *(
        '""',
        '" "',
        '"\\n"',
        '"a\\n"',
        '"a\n"',
        '"\\u0000"',
        '"\\ud83d\\ude00"',
        '"\\ud83d"',
        '"\\ude00"',
        '"\\q"',
    ),
    *(
        '"\u00a0"',
        '"\u2028"',
        '"\x7f"',
        '"\x80"',
        '"é"',
        '"A"',
        '"EUR"',
        '"EUR\\n"',
        '"eur"',
        '"ЕUR"',
        '"nps"',
        '"a b"',
    ),
    *(f'"{"x" * n}"' for n in (128, 129, 256, 257)),
    *(
        '"2026-11-22T10:00:00Z"',
        '"2026-11-22T10:00:00"',
        '"2026-11-22T10:00:00.1234567Z"',
        '"2016-12-31T23:59:60Z"',
    ),
    *(
        '"2026-11-22 10:00:00z"',
        '"2026-11-22T10:00:00.9999999999999Z"',
        '"2026-11-22T10:00:00+05:30"',
        "1700000000",
    ),
    *(
        '"0001-01-01T00:00:00+23:59"',
        '"9999-12-31T23:59:59-23:59"',
        '"2026-11-22T24:00:00Z"',
        '"2026-02-30T00:00:00Z"',
    ),
    *(
        '"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"',
        '"application/JSON; charset=x"',
        '"text/plain"',
    ),
    *(
        "[]",
        "{}",
        "[null]",
        '["a", 1]',
        '{"amount": 1}',
        "[" * 300 + "]" * 300,
        '{"a":' * 150 + "1" + "}" * 150,
        "",
    ),
    '{"amount": -1, "currency": "EUR"}',
    '{"amount": 1.0, "currency": "EUR"}',
    '{"amount": 1, "currency": "EUR", "x": 1}',
    '{"amount": 1, "amount": 2, "currency": "EUR"}',
]
"""JSON, or what some take for it."""


def members_in(value: Any) -> list[Any]:
    """All objects and arrays within a value, and itself."""
    if isinstance(value, dict):
        return [value, *(inner for one in value.values() for inner in members_in(one))]
    if isinstance(value, list):
        return [value, *(inner for one in value for inner in members_in(one))]
    return []


def without_extras(value: Any) -> Any:
    """Without the fields that no model knows, which the valid ones of the codec's test have."""
    if isinstance(value, dict):
        unknown = {"x_note", "event_type", "from_", "größe"}
        return {name: without_extras(one) for name, one in value.items() if name not in unknown}
    return [without_extras(one) for one in value] if isinstance(value, list) else value


@st.composite
def hostile(draw: st.DrawFn) -> tuple[str, bytes]:
    """Key and value of a record with one to three things wrong, or only unusual."""
    wire = without_extras(draw(cloudevents(TYPES[draw(st.sampled_from(sorted(TYPES)))])))
    key = wire["subject"]
    for _ in range(draw(st.integers(0, 2))):
        holder = draw(st.sampled_from([one for one in members_in(wire) if one] or [wire]))
        place = draw(st.sampled_from(list(holder) if isinstance(holder, dict) else list(range(len(holder)))))
        match draw(st.sampled_from(["raw", "drop", "copy", "name"])):
            case "raw":
                holder[place] = f"@@{draw(st.integers(0, len(RAW) - 1))}@@"
            case "drop":
                del holder[place]
            case "copy":
                holder[place] = deepcopy(draw(st.sampled_from([key, 5, *members_in(wire)])))
            case "name" if isinstance(holder, dict):
                holder[draw(st.sampled_from(["type", "data", "extra", "data_base64", "tenant", "größe"]))] = 1
    text = json.dumps(wire, ensure_ascii=draw(st.booleans()), separators=(",", ":"))
    for number, raw in enumerate(RAW):
        text = text.replace(f'"@@{number}@@"', raw)
    return key, draw(garbled(text.encode("utf-8", "surrogatepass")))


@st.composite
def garbled(draw: st.DrawFn, value: bytes) -> bytes:
    """Bytes of it changed, doubled, cut; a member told twice."""
    at = draw(st.integers(0, len(value)))
    match draw(st.sampled_from(["no", "no", "byte", "insert", "cut", "twice", "again", "again"])):
        case "byte":
            return value[:at] + bytes([draw(st.integers(0, 255))]) + value[at + 1 :]
        case "insert":
            return (
                value[:at]
                + draw(st.sampled_from([b" ", b"\\", b'"', b",", b"\x00", b"\xff", b"\xef\xbb\xbf"]))
                + value[at:]
            )
        case "cut":
            return value[:at] + value[at + draw(st.integers(1, 9)) :]
        case "twice":
            return value[:at] + value[at : at + 40] + value[at:]
        case "again":
            name = draw(
                st.sampled_from(["type", "id", "data", "time", "amount", "order_id", "items", "subject"])
            )
            member = f'"{name}":{draw(st.sampled_from([*RAW[:12], *KINDS]))}'.encode()
            ends = [n for n, byte in enumerate(value) if byte in b"{}"]
            if not ends:
                return value
            where = draw(st.sampled_from(ends))
            if value[where] == ord("{"):
                return value[: where + 1] + member + b"," + value[where + 1 :]
            return value[:where] + b"," + member + value[where:]
    return value


KINDS = [
    '"rapport.purchase.made.v1"',
    '"rapport.purchase.made.v0"',
    '"rapport.customer.erased.v1"',
    "{}",
    '"o-2"',
]
