"""The demo's end: one household gets all that is held of it, and is forgotten, with a certificate."""

import json
import time
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from rich.console import Console
from rich.table import Table

from rapport.client import Client
from rapport.demo.stack import DemoStack
from rapport.trouble import TroubleError
from shared.facts.certificate import Check, checks

PATIENCE_S = 60.0
_ASKED_EVERY_S = 0.2
_MOST_COLLECTIONS = 4
"""That are named of what a service removed, the largest."""


class Forgotten(NamedTuple):
    """One household that was."""

    customer: str
    page: Path
    """All that was held, for people."""
    certificate: Mapping[str, Any]
    file: Path
    """It, as JSON."""
    key: str
    """The public key that it is checked with."""
    status: int
    """What their page answers from then on."""
    seconds: float
    """From the wish to the last service's answer."""


def chosen(customers: Sequence[str], shown: Collection[str]) -> str:
    """The last one of whom nothing was shown; whoever is looked up is still there."""
    return next((one for one in reversed(customers) if one not in shown), customers[-1])


def forget(stack: DemoStack, client: Client, customer: str) -> Forgotten:
    """Export, erase, and wait for all four. Raises TroubleError."""
    page, file = stack.home.root / "export.html", stack.home.root / "erasure.json"
    stack.export_page(customer, page)
    began, path = time.monotonic(), f"/customers/{quote(customer, safe='')}"
    status, answer = client.call("DELETE", "interactions", path, key=f"demo-erase-{customer}"[:128])
    if status != 202:
        raise TroubleError(f"interactions answered {status} to DELETE {path}: {str(answer)[:200]}.")
    certificate = _complete(client, f"/erasures/{quote(customer, safe='')}")
    seconds = time.monotonic() - began
    file.write_text(json.dumps(certificate, indent=1) + "\n", encoding="utf-8")
    key = client.get("interactions", "/erasure-key")["public_key"]
    gone, _ = client.call("GET", "interactions", path)
    return Forgotten(customer, page, certificate, file, key, gone, seconds)


def _complete(client: Client, path: str) -> Mapping[str, Any]:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        status, told = client.call("GET", "interactions", path)
        if status == 200 and told["complete"]:
            found: Mapping[str, Any] = told
            return found
        if time.monotonic() > deadline:
            raise TroubleError(f"Not all services have erased within {PATIENCE_S:.0f} s: {str(told)[:300]}.")
        time.sleep(_ASKED_EVERY_S)  # it is made of what four services tell, and nothing says when


def show_forgotten(console: Console, done: Forgotten) -> list[Check]:
    """What went where, whether the certificate holds, and where all is. Returns what does not hold."""
    words = "[bold]Forgotten, everywhere and for good[/bold]"
    console.print(f"\n{words} ({done.customer}, in {done.seconds:.1f} s)", highlight=False)
    console.print("  all that was held, as `rapport customer export --html` writes it:", highlight=False)
    console.print(f"  {done.page.resolve().as_uri()}", soft_wrap=True, highlight=False, markup=False)
    table = Table(title=f"certificate {done.certificate['erasure']}", title_justify="left")
    for name in ("service", "removed", "of it"):
        table.add_column(name, justify="right" if name == "removed" else "left")
    for one in done.certificate["services"]:
        table.add_row(one["service"], f"{sum(one['removed'].values()):,}", _largest(one["removed"]))
    console.print(table)
    found = checks(done.certificate, done.key)
    wrong = [check for check in found if check.fault is not None]
    holds = "it holds" if not wrong else "[red]it does not hold[/red]"
    names = ", ".join(check.name for check in found)
    console.print(f"  {names}: {holds}; their page answers {done.status}", soft_wrap=True, highlight=False)
    verify = f"rapport customer verify-erasure {done.file} --key {done.key}"
    console.print(f"  {verify}", soft_wrap=True, highlight=False, markup=False)
    return wrong


def _largest(removed: Mapping[str, int]) -> str:
    ordered = sorted(removed.items(), key=lambda pair: (-pair[1], pair[0]))
    more = ", ..." if len(ordered) > _MOST_COLLECTIONS else ""
    return ", ".join(f"{name} {count:,}" for name, count in ordered[:_MOST_COLLECTIONS]) + more
