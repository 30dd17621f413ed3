"""The demo's check of the book of messages."""

from collections import Counter
from typing import Any

from rich.console import Console

from rapport.demo.book import compare_book, show_book
from rapport.demo.tally import Tally

NONE = {"sent": 0, "suppressed": 0, "cancelled": 0, "failed": 0, "in_doubt": 0, "waiting": 0, "difference": 0}


def account(rule: str, day: str, planned: int, **counts: int) -> dict[str, Any]:
    return {**NONE, "rule": rule, "day": day, "planned": planned, **counts}


def book(*accounts: dict[str, Any]) -> dict[str, Any]:
    names = ("planned", *NONE)
    whole = {name: sum(one[name] for one in accounts) for name in names}
    return {"accounts": accounts, "total": whole, "balanced": not any(one["difference"] for one in accounts)}


GOOD = book(
    account("a", "2017-03-01", 4, sent=2, suppressed=1, in_doubt=1),
    account("a", "2017-03-02", 2, sent=1, waiting=1),
    account("b", "2017-03-02", 2, failed=1, cancelled=1),
)
TOLD = Tally(
    outreach=Counter(
        {("scheduled", "a"): 6, ("sent", "a"): 3, ("suppressed", "a"): 1, ("failed", "a"): 1}
        | {("failed", "b"): 1, ("cancelled", "b"): 1}
    )
)


def test_a_book_that_says_what_was_told_is_well() -> None:
    assert compare_book(GOOD, TOLD) == []


def test_what_does_not_balance_is_named_by_rule_and_day() -> None:
    bad = book(*GOOD["accounts"][:2], account("b", "2017-03-02", 3, failed=1, cancelled=1, difference=1))
    (one,) = compare_book(bad, TOLD)
    assert (one.customer, one.what, one.platform, one.expected) == (
        "b",
        "messages due 2017-03-02",
        "2",
        "3 planned",
    )


def test_what_the_topic_tells_otherwise_is_named() -> None:
    told = Tally(outreach=TOLD.outreach + Counter({("sent", "a"): 1, ("suppressed", "c"): 2}))
    found = [(one.customer, one.what, one.platform, one.expected) for one in compare_book(GOOD, told)]
    assert found == [("a", "messages sent", "3", "4 told"), ("c", "messages suppressed", "0", "2 told")]


def test_the_line_of_the_summary() -> None:
    console = Console(width=200, record=True, force_terminal=False)
    show_book(console, GOOD)
    text = console.export_text()
    assert "The book of messages is balanced: 8 made = 3 sent + 1 suppressed + 1 cancelled" in text
    assert "+ 1 failed + 1 in doubt + 1 waiting." in text
