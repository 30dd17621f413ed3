"""The demo's part on the book of messages: all that were made came to something, as the topic tells."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from rich.console import Console

from rapport.client import Client
from rapport.demo.check import Difference
from rapport.demo.tally import Tally

ALL = "/outreach/book?from=2000-01-01&to=2100-01-01"
TOLD = {"sent": ("sent",), "suppressed": ("suppressed",), "failed": ("failed", "in_doubt")}
"""Each kind of fact, and what the book calls what it tells."""
OUTCOMES = ("sent", "suppressed", "cancelled", "failed", "in_doubt", "waiting")

Book = Mapping[str, Any]


def read_book(client: Client) -> Book:
    """The book of all days. Raises TroubleError."""
    found: Book = client.get("followup", ALL)
    return found


def compare_book(book: Book, tally: Tally) -> list[Difference]:
    """Where the book does not balance, or is not what the topic ``outreach`` told; empty when all is well."""
    found = [
        Difference(one["rule"], f"messages due {one['day']}", str(_known(one)), f"{one['planned']} planned")
        for one in book["accounts"]
        if one["difference"]
    ]
    counted: dict[str, Counter[str]] = {}
    for one in book["accounts"]:
        counted.setdefault(one["rule"], Counter()).update({name: one[name] for name in OUTCOMES})
    rules = {*counted, *(rule for action, rule in tally.outreach if action in TOLD)}
    for rule in sorted(rules):
        for action, names in TOLD.items():
            here = sum(counted.get(rule, Counter())[name] for name in names)
            if here != (told := tally.outreach[action, rule]):
                found.append(Difference(rule, f"messages {action}", str(here), f"{told} told"))
    return found


def show_book(console: Console, book: Book) -> None:
    """One line: the sum, and that it is right."""
    whole = book["total"]
    sums = " + ".join(f"{whole[name]:,} {name.replace('_', ' ')}" for name in OUTCOMES if whole[name])
    word = "[green]balanced[/green]" if book["balanced"] else "[red]not balanced[/red]"
    console.print(
        f"\n[bold]The book of messages[/bold] is {word}: {whole['planned']:,} made = {sums or 'none'}.",
        soft_wrap=True,
        highlight=False,
    )


def _known(one: Mapping[str, int]) -> int:
    return sum(one[name] for name in OUTCOMES)
