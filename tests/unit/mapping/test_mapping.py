"""Records become events as a mapping says."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.expressions.program import programmed
from shared.expressions.syntax import NotKnownError
from shared.mapping.building import UnmappedError
from shared.mapping.expressions import Here, expression, variables
from shared.mapping.sampling import seen
from shared.runtime.config import ConfigError
from tests.examples import examples

from .mappings import NOW, ORDER, ORDERS, file, mapped, one_field


def data(folder: Path, value: str, record: dict[str, Any], head: str = "") -> dict[str, Any]:
    (event,) = mapped(folder, one_field(value, record, head), record)
    found: dict[str, Any] = json.loads(event.raw)["data"]
    return found


def test_an_order(tmp_path: Path) -> None:
    (event,) = mapped(tmp_path, ORDERS, ORDER)
    assert json.loads(event.raw) == {
        "specversion": "1.0",
        "id": event.event.id,
        "source": "/shops/old",
        "type": "rapport.purchase.made.v1",
        "subject": "email:bo@example.com",
        "time": "2026-02-01T08:00:00Z",
        "data": {
            "order_id": "2024-0013",
            "channel": "web",
            "total": {"amount": 2000, "currency": "EUR"},
            "items": [{"sku": "a", "quantity": 2, "unit_price": {"amount": 1000, "currency": "EUR"}}],
        },
    }
    assert event.event.data.event_type == "rapport.purchase.made.v1"
    assert event.event.subject == "email:bo@example.com"


def test_what_when_leaves_out(tmp_path: Path) -> None:
    assert mapped(tmp_path, ORDERS, {**ORDER, "status": "cart"}) == []
    assert mapped(tmp_path, ORDERS, {key: value for key, value in ORDER.items() if key != "status"}) == []


MANY = """
    source: /helpdesk
    sample:
      ticket: t-1
      opened: 2026-01-01T10:00:00Z
      notes: [{at: 2026-01-01T11:00:00Z, text: hi}]
    events:
      - type: complaint.opened
        subject: row.customer
        time: row.opened
        data:
          complaint_id: row.ticket
          channel: {is: email}
          category: {is: other}
          severity: {from: row.prio, table: {P1: critical, P2: high}, default: normal}
          description: {from: [row.text, row.ticket]}
      - type: complaint.updated
        each: row.notes
        when: entry.text != ""
        subject: [row.customer, {email: row.mail}]
        time: entry.at
        data: {complaint_id: row.ticket, message: entry.text}
    """
TICKET: dict[str, Any] = {
    "ticket": "t-2",
    "customer": None,
    "mail": "a@b.example",
    "prio": "P1",
    "text": "Broken",
    "opened": "2026-01-01T10:00:00Z",
    "notes": [
        {"at": "2026-01-02T10:00:00Z", "text": "one"},
        {"at": "2026-01-02T10:00:00Z", "text": ""},
        {"at": "2026-01-02T10:00:00Z", "text": "two"},
    ],
}


def test_one_record_many_events(tmp_path: Path) -> None:
    with pytest.raises(UnmappedError, match="subject: is not known"):
        mapped(tmp_path, MANY, TICKET)
    events = mapped(tmp_path, MANY, {**TICKET, "customer": "c-7"})
    assert [event.event.type.split(".")[2] for event in events] == ["opened", "updated", "updated"]
    assert [event.event.subject for event in events] == ["c-7"] * 3
    opened = json.loads(events[0].raw)["data"]
    assert (opened["severity"], opened["description"]) == ("critical", "Broken")
    assert [json.loads(event.raw)["data"]["message"] for event in events[1:]] == ["one", "two"]
    ids = [event.event.id for event in events]
    assert len(set(ids)) == 3
    assert ids == [event.event.id for event in mapped(tmp_path, MANY, {**TICKET, "customer": "c-7"})]
    named = [event.event.id for event in mapped(tmp_path, MANY, {**TICKET, "customer": "c-7"}, "msg_1")]
    assert named == ["msg_1-1", "msg_1-2.1", "msg_1-2.3"]


def test_events_of_a_record_have_names_of_their_own(tmp_path: Path) -> None:
    text = MANY.replace("        time: row.opened", "        id: row.ticket\n        time: row.opened")
    text = text.replace("        time: entry.at", "        id: row.ticket\n        time: entry.at")
    with pytest.raises(UnmappedError, match="id: is the same of several events, of which"):
        mapped(tmp_path, text, {**TICKET, "customer": "c-7"})


def test_the_first_that_is_known_and_what_stands_for_nothing(tmp_path: Path) -> None:
    record = {**TICKET, "customer": "c-7", "prio": "P9", "text": None, "notes": None}
    (opened,) = mapped(tmp_path, MANY, record)
    found = json.loads(opened.raw)["data"]
    assert (found["severity"], found["description"]) == ("normal", "t-2")


def test_constants_numbers_and_lists(tmp_path: Path) -> None:
    row = {"tone": "0,25", "took": "90", "lines": [{"sku": "x"}, {"sku": "y"}, {}]}
    assert data(tmp_path, "sentiment: row.tone", row, 'decimal: ","')["sentiment"] == 0.25
    assert data(tmp_path, "duration_s: row.took", row)["duration_s"] == 90
    assert data(tmp_path, "duration_s: 60", row)["duration_s"] == 60
    assert data(tmp_path, "skus: [x, y]", row)["skus"] == ["x", "y"]
    assert data(tmp_path, "skus: {each: row.lines, from: item.sku}", row)["skus"] == ["x", "y"]
    assert data(tmp_path, "skus: row.lines.map(l, l.sku)", row)["skus"] == ["x", "y"]
    assert "skus" not in data(tmp_path, "skus: {each: row.none, from: item}", {**row, "none": None})


def test_fields_whose_kind_nobody_knows_take_what_there_is(tmp_path: Path) -> None:
    text = """
    source: /tests
    events:
      - type: {from: row.what, table: {new: customer.registered, changed: customer.updated}}
        subject: {is: c-1}
        time: {is: 2026-02-01T00:00:00Z}
        id: {is: i-1}
        data: {name: row.name, preferences: {fields: {postcode: row.plz}}}
    """
    (event,) = mapped(tmp_path, text, {"what": "changed", "name": "Ann", "plz": "04109"})
    assert event.event.type == "rapport.customer.updated.v1"
    assert json.loads(event.raw)["data"] == {"name": "Ann", "preferences": {"postcode": "04109"}}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"total": "much"}, "data.total: is no number"),
        ({"total": None}, "data.total: "),
        ({"at": "2026-02-01"}, "time: is no time written as"),
        ({"email": ""}, "subject: is not known"),
        ({"email": "a\nb"}, "subject: cannot be one"),
        ({"order_no": "///"}, "data.order_id: has nothing"),
        ({"lines": [{"sku": "a", "qty": "two", "price": "1,00"}]}, r"data.items\[\].quantity: is no number"),
        ({"lines": [{"sku": "", "qty": "2", "price": "1,00"}]}, r"data.items\[\].sku: "),
        ({"email": "a\ud800"}, "data: has characters that are none"),
        ({"at": "31.12.2027 10:00"}, "time: time is more than 24 h ahead"),
    ],
)
def test_a_record_that_does_not_fit(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    """The reason names the field, and not the value, which may be personal."""
    mapping = file(tmp_path, ORDERS).over()
    with pytest.raises(UnmappedError, match=said):
        mapping.events({**ORDER, **changes}, NOW)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=5),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(max_size=3), inside, max_size=3),
    max_leaves=6,
)


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(ORDER, JSON)) | JSON)
@settings(
    max_examples=examples(300), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_record_is_mapped_or_refused(tmp_path: Path, record: Any) -> None:
    mapping = file(tmp_path, ORDERS).over()
    told = {**ORDER, **record} if isinstance(record, dict) else record
    try:
        events = mapping.events(told, NOW)
    except UnmappedError:
        return
    assert [event.raw for event in mapping.events(told, NOW)] == [event.raw for event in events]


PATHS = st.sampled_from(["row.a", "row.a.b", "row.b.c.a", 'row["c"]', "row.b"])
OPERATORS = st.sampled_from(["+", "==", "!=", "&&", "||"])
TEXTS = st.recursive(
    PATHS | st.sampled_from(["'x'", "''", "true", "1"]),
    lambda parts: st.builds(
        "({} {} {})".format, parts, st.sampled_from(["+", "==", "!=", "&&", "||"]), parts
    ),
    max_leaves=5,
)
FEW = st.recursive(
    st.none() | st.booleans() | st.integers(0, 3) | st.sampled_from(["", "x", "y"]),
    lambda inside: st.dictionaries(st.sampled_from("abc"), inside, max_size=3) | st.lists(inside, max_size=2),
    max_leaves=6,
)
ROWS = st.dictionaries(st.sampled_from("abc"), FEW, max_size=3)


@given(ROWS, ROWS, TEXTS)
@settings(max_examples=examples(500), deadline=None)
def test_what_needs_no_engine_gives_what_the_engine_gives(
    sample: dict[str, Any], row: dict[str, Any], text: str
) -> None:
    """Of a record as the sample says, and of one that is another: what the engine cannot evaluate is not
    known, or refused by both. A path alone is read as it stands there, whatever it is."""
    seeing = variables(seen([sample]))
    try:
        _, made = expression(text, seeing)
    except ValueError:
        return  # it names what is not there, or compares what cannot be compared

    def told(make: Callable[[Here], Any], here: Here) -> Any:
        try:
            return make(here)
        except NotKnownError:
            return None
        except ValueError as error:
            return str(error)

    for record in (sample, row):
        here = Here(record)
        found = told(made, here)
        if isinstance(found, dict | list):  # of those the engine is given what is named
            continue
        if record is sample or text.startswith("("):
            assert found == told(programmed(text, seeing).value, here)


def test_a_sample_may_be_a_file(tmp_path: Path) -> None:
    (tmp_path / "sample.json").write_text(json.dumps([{"a": 1}, {"b": "x"}]), encoding="utf-8")
    found = file(tmp_path, one_field("text: row.b", {}, "sample: sample.json"))
    assert found.over().events({"b": "y"}, NOW)
    with pytest.raises(ConfigError, match=r"line 2, column 9: sample: none.json cannot be read: No"):
        file(tmp_path, one_field("text: row.b", {}, "\nsample: none.json"))


def test_without_a_sample_all_is_taken_for_there(tmp_path: Path) -> None:
    found = file(tmp_path, one_field("text: row.some.thing", {}))
    (event,) = found.over().events({"some": {"thing": "so"}}, NOW)
    assert json.loads(event.raw)["data"]["text"] == "so"
    (event,) = found.over().events({}, NOW)
    assert "text" not in json.loads(event.raw)["data"]
