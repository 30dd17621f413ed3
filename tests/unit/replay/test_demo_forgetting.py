"""The demo's last household: who it is, and what is shown of its erasure."""

from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

from rich.console import Console

from rapport.demo.forgetting import Forgotten, chosen, show_forgotten
from shared.facts.certificate import certificate, chained, public_key, timestamp
from shared.schemas.services import SERVICES

SEED = b"s" * 32


def forgotten(**removed: int) -> Forgotten:
    entries: list[dict[str, Any]] = []
    at = timestamp(datetime(2018, 7, 2, tzinfo=UTC))
    told = [{"what": "begun", "at": at}]
    told += [
        {"what": "completed", "at": at, "service": one, "removed": removed}  # type: ignore[dict-item]  # as JSON
        for one in SERVICES
    ]
    for one in told:
        entries.append(chained("e-1", entries, one))
    signed = certificate("e-1", entries, SEED)
    return Forgotten("hh-1", Path("a.html"), signed, Path("b.json"), public_key(SEED), 410, 1.25)


def shown(done: Forgotten) -> tuple[str, list[str]]:
    console = Console(file=StringIO(), width=100)
    wrong = show_forgotten(console, done)
    text = console.file.getvalue()  # type: ignore[attr-defined]  # of StringIO
    return " ".join(text.split()), [check.name for check in wrong]


def test_it_is_one_of_whom_nothing_was_shown() -> None:
    assert chosen(["a", "b", "c"], {"c"}) == "b"
    assert chosen(["a", "b"], {"a", "b"}) == "b"


def test_a_certificate_that_holds_is_shown_with_what_went() -> None:
    text, wrong = shown(forgotten(journal=1_000, ledger=7, state=1, timers=2, vouchers=3))
    assert wrong == []
    assert "hh-1, in 1.2 s" in text
    assert "1,013" in text
    assert "journal 1,000, ledger 7, vouchers 3, timers 2, ..." in text
    assert "it holds; their page answers 410" in text


def test_one_that_does_not_is_the_demos_end() -> None:
    done = forgotten(state=1)
    text, wrong = shown(done._replace(certificate={**done.certificate, "complete": False}))
    assert "it does not hold" in text
    assert "signature" in wrong
