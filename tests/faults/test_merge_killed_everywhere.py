"""kill -9 of all four workers amid merging, and amid un-merging: whatever they keep and have told is, in the
end, what it is where nobody was killed."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from mailbox import Maildir
from pathlib import Path
from typing import Any

import pytest

from services.metrics.domain.state import Customer
from services.metrics.domain.tracked import Tracked
from shared.schemas.services import SERVICES
from tests.faults.conftest import WorkerStarter
from tests.faults.merged_people import Pair
from tests.faults.platform import Platform, own_platform
from tests.faults.rules import RULES
from tests.faults.running import Run
from tests.faults.test_killed_merges import cells, records

pytestmark = [pytest.mark.faults, pytest.mark.long]

PAIRS = 12
POINTS: Mapping[str, tuple[str, str]] = {
    "interactions": ("after_transaction:2", "after_publish:1"),
    "loyalty": ("after_publish:1", "after_transaction:1"),
    "followup": ("after_transaction:1", "mid_batch:1"),
    "metrics": ("mid_batch:1", "after_transaction:1"),
}
"""Where each dies while customers become one, and while they become two."""
STEPS = (timedelta(hours=4, minutes=30), timedelta(hours=7), timedelta(hours=23))
"""After the beginning: clocks warn, are missed and escalate; what was planned goes."""
ROWS = {
    "interactions": ("complaints", "mails"),
    "followup": ("deliveries", "results"),
    "loyalty": ("liability", "totals", "vouchers"),
}
ARRIVED = ("names", "heard")
"""Of states, what goes by the order of arrival: packed names, and where the clock stood."""
KEPT = ("complaints", "consents", "subscriptions", "planned")
"""Of interactions' states, whose rows are compared too."""


def whole(folder: Path, rules: Path, begun: datetime) -> dict[str, Any]:
    """What is there in the end, in the folder ``killed`` after kills."""
    folder.mkdir()
    pairs = [Pair(f"p{n}", begun, parted=n % 2 == 0, refuses=n % 3 == 0) for n in range(PAIRS)]
    parts, kills = ("kafka", "mongo", "smtp"), folder.name == "killed"
    # One of its own for each run: both tell of the same ids at the same times.
    with own_platform(folder / "home", *parts, RAPPORT_SECRET_KEY="0123456789abcdef" * 4) as platform:
        (folder / "logs").mkdir()
        worker = WorkerStarter(platform, folder / "logs")
        run = Run(platform, worker, rules, POINTS)
        try:
            run.begin()
            for told in (Pair.profiles, Pair.before):  # topics are apart: a term must not overtake an address
                run.send(e for one in pairs for e in told(one))
                run.settle()
            run.advance(begun + 30 * timedelta(seconds=1))
            run.send([*(one.merged() for one in pairs), *(e for one in pairs for e in one.amid())])
            if kills:
                run.killed(0)
            run.settle()
            run.send(
                [*(one.unmerged() for one in pairs if one.parted), *(e for one in pairs for e in one.after())]
            )
            if kills:
                run.killed(1)
            run.settle()
            for step in STEPS:
                run.advance(begun + step)
        finally:
            worker.stop()
        return seen(platform, pairs)


def seen(platform: Platform, pairs: Sequence[Pair]) -> dict[str, Any]:
    """What the four services keep, and have told, wherever that does not go by the order of arrival."""
    everybody = [id for pair in pairs for id in (pair.old, pair.survivor)]
    rows = {name: platform.database(service)[name] for service, names in ROWS.items() for name in names}
    found: dict[str, Any] = {name: _by_id(collection) for name, collection in rows.items()}
    for service in SERVICES[:3]:
        database = platform.database(service)
        found[f"timers of {service}"] = sorted(
            (row["subject"], str(row["due_at"])) for row in database["timers"].find({})
        )
        found[f"merged in {service}"] = _by_id(database["merged"])
        found[f"states of {service}"] = {
            row["_id"]: _plain(_kept(service, json.loads(row["data"]))) for row in database["state"].find({})
        }
    found["balances"] = {}
    for id, member in platform.members(everybody).items():
        assert member.balance == member.ledger_sum == member.told_sum, id
        assert member.ledger_entries == member.told_entries, id
        found["balances"][id] = member.balance
    for topic in ("complaints", "outreach"):
        told = platform.told(topic, everybody)  # the same id twice is the same event
        found[f"told on {topic}"] = Counter(_said(e) for events in told.values() for e in events.values())
    metrics = platform.database("metrics")
    counts = {id: _counted(record) for id, record in records(metrics).items()}
    found["counted"], found["cells"] = counts, cells(metrics)
    everything: Counter[tuple[int, str, str]] = Counter()
    for one in counts.values():
        everything.update(one)
    assert {cell: n for cell, n in everything.items() if n} == found["cells"]
    found["mails"] = Counter(str(mail["Message-ID"]) for mail in Maildir(platform.env["RAPPORT_MAILBOX"]))
    return found


def _counted(record: Customer) -> Counter[tuple[int, str, str]]:
    total: Counter[tuple[int, str, str]] = Counter()
    for cell, n in Tracked(record).counted():
        total[cell] += n
    return total


def _kept(service: str, state: dict[str, Any]) -> dict[str, Any]:
    return {name: state.get(name) for name in KEPT} if service == "interactions" else state


def _by_id(collection: Any) -> dict[str, Any]:
    return {row["_id"]: row for row in collection.find({})}


def _plain(value: Any) -> Any:
    """Without ``ARRIVED``, lists in an order of their own."""
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items() if name not in ARRIVED}
    if isinstance(value, list):
        return sorted((_plain(one) for one in value), key=lambda one: json.dumps(one, sort_keys=True))
    return value


def _said(e: dict[str, Any]) -> tuple[str, str, str]:
    """Outreach is told at the time of what was heard last, of whichever id had it then."""
    whose = "" if e["type"].startswith("rapport.outreach.") else f"{e['subject']} {e['time']}"
    return e["type"], whose, json.dumps(e["data"], sort_keys=True)


def test_all_is_as_where_nobody_was_killed(tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text(RULES, encoding="utf-8")
    begun = (datetime.now(UTC) - timedelta(hours=24)).replace(minute=0, second=0, microsecond=0)
    plain, killed = (whole(tmp_path / name, rules, begun) for name in ("plain", "killed"))
    for name, there in plain.items():
        assert killed[name] == there, name
    kinds = Counter(kind.split(".")[2] for kind, *_ in plain["told on complaints"].elements())
    assert kinds.keys() >= {"sla_met", "sla_warned", "sla_breached", "escalated"}
    ends = Counter((row["rule"], row["status"]) for row in plain["deliveries"].values())
    assert ends.keys() >= {("offer", "sent"), ("offer", "suppressed"), ("notice", "sent")}
    assert set(plain["mails"].values()) == {1}
