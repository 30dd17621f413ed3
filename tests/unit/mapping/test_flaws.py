"""What is wrong with a mapping is told with line and column, and the field's path."""

from pathlib import Path
from textwrap import dedent

import pytest

from shared.mapping.expressions import expression, variables
from shared.mapping.sampling import seen
from shared.runtime.config import ConfigError

from .mappings import ORDERS, file, one_field


@pytest.mark.parametrize(
    ("was", "now", "said"),
    [
        (
            "total: row.total",
            "total: row.totl",
            "line 22, column 14: events[0].data.total: row has no fie",
        ),
        (
            "sku: item.sku",
            "sku: item.skuu",
            "line 26, column 16: events[0].data.items.fields.sku: item h",
        ),
        (
            "{email: row.email}",
            "{email: row.mail}",
            "line 16, column 22: events[0].subject.email: row",
        ),
        (
            'row.status == "paid"',
            'row.email == "x" && row.state == "paid"',
            "line 15, column 31: events[0].when: row has no field state",
        ),
        (
            "order_id: {",
            "order_ix: {",
            "line 20, column 17: events[0].data.order_ix: purchase.made h",
        ),
        ("order_id: {", "order_ix: {", "line 20, column 7: events[0].data: purchase.made needs order_id"),
        (
            "purchase.made",
            "purchase.mode",
            "line 14, column 11: events[0].type: there is no type",
        ),
        ("purchase.made", "points.earned", "events[0].type: Rapport alone writes points.earned"),
        (
            "source: /shops/old",
            "source: /rapport/loyalty",
            "line 2, column 9: source: source is one",
        ),
        ("source: /shops/old", "source: {is: a b}", "source must be 1 to 256 visible ASCII"),
        ("source: /shops/old\n", "\n", "events[0]: its source is said nowhere: say source"),
        ("currency: EUR\n", "\n", "events[0].data.total: its currency is said nowhere: say currency"),
        (
            "channel: {is: web}",
            "channel: web",
            "there is no web, only row; if the word itself is",
        ),
        ("total: row.total", "total: row.lines", "row.lines is a list, and must be money"),
        ("total: row.total", "total: {is: much}", "data.total is no number"),
        ("quantity: item.qty", "quantity: '[1]'", "[1] is a list, and must be whole"),
        ("each: row.lines", "each: row.total", "row.total is text and no list"),
        ('when: row.status == "paid"', "when: row.status", "events[0].when: it is text, not true or false"),
        (
            'when: row.status == "paid"',
            "when: local_time() == row.at",
            "local_time depends",
        ),
        ("fields:", "feelds:", "events[0].data.items.feelds: is not a known field"),
        ("each: row.lines", "each: row.lines\n        from: row.lines", "write one of from, is and fields"),
        ("timezone: Europe/Berlin", "timezone: Berlin", "line 3, column 11: timezone: not a time zone"),
        ("subject: {email: row.email}", "subject: {}", "events[0].subject[0]: write one of id, email, phone"),
        ("time: {from", "tiem: {from", "events[0].tiem: is not a known field"),
        ("time: {from", "tiem: {from", "events[0].time: is missing"),
        ("events:", "evnts:", "evnts: is not a known field"),
        ("events:", "events: []\nx:", "events: must be 1 to 100 events"),
        ("events:", "csv: {encoding: utf-99}\nevents:", "csv: there is no encoding utf-99"),
        ('decimal: ","', 'decimal: ","\ndecimal: "."', "line 6, column 1: decimal is given twice"),
        ('when: row.status == "paid"', "when: row.status ==", "there is the end instead of a value"),
        ("at: 31.01.2026 12:30", "ta: 1", "events[0].time: row has no field at"),
    ],
)
def test_what_is_refused(tmp_path: Path, was: str, now: str, said: str) -> None:
    text = dedent(ORDERS)
    assert was in text
    with pytest.raises(ConfigError) as caught:
        file(tmp_path, text.replace(was, now, 1)).over()
    assert said in str(caught.value)


def test_the_place_in_a_block_of_text_is_where_it_begins(tmp_path: Path) -> None:
    text = one_field("text: >-\n            row.a +\n            row.b", {}, "sample: {a: x}")
    with pytest.raises(ConfigError, match=r"line 14, column 13: events\[0\].data.text: row has no field b"):
        file(tmp_path, text).over()


def test_all_flaws_are_told_at_once(tmp_path: Path) -> None:
    text = ORDERS.replace("row.total", "row.a").replace("item.sku", "item.b").replace("row.email", "row.c")
    with pytest.raises(ConfigError) as caught:
        file(tmp_path, text).over()
    assert str(caught.value).count("has no field") == 3


def test_a_type_that_is_not_there_is_one_flaw(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        file(tmp_path, ORDERS.replace("purchase.made", "purchase.mode")).over()
    assert str(caught.value).endswith("events[0].type: there is no type purchase.mode.")


def test_kinds_are_seen_from_records() -> None:
    rows = [
        {"n": 1, "f": 1, "t": True, "l": [{"a": "x"}]},
        {"n": 2, "f": 0.5, "l": [{"b": 2}], "mixed": 1},
        {"mixed": "x"},
    ]
    seeing = variables(seen(rows))
    for text, kind in (
        ("row.n", "a whole number"),
        ("row.f", "a number with a fraction"),
        ("row.t", "true or false"),
        ("row.l[0].a", "text"),
        ("row.l.map(x, x.b)", "a list"),
        ("row.mixed", "anything"),
    ):
        assert str(expression(text, seeing)[0]) == kind
