"""kill -9 under load on what customers share and pass on: budgets, stock, referrals, returns that wait."""

import json
import random
import threading
import uuid
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from services.loyalty.config import DEFAULT
from tests.faults.conftest import WorkerStarter
from tests.faults.platform import Platform, event, purchase, refund

pytestmark = pytest.mark.faults

CUSTOMERS = 30
ORDERS = 450
BONUS, BUDGET = 7, 1_500
STOCK, COST, ASKED = 12, 10, 40


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """The default program with a campaign whose budget runs out, and a reward that does."""
    document = yaml.safe_load(DEFAULT.read_text(encoding="utf-8"))
    # Other tests' customers, whose purchases lie further back, must not use the budget up.
    begins = datetime.now(UTC).date() - timedelta(days=2)
    campaign: dict[str, Any] = {"id": "gift", "name": "Gift", "from": begins}
    campaign["until"] = date(2100, 1, 1)
    document["campaigns"] = [campaign | {"effect": {"bonus": BONUS}, "budget": BUDGET}]
    del document["birthday"]  # its present is a reward of the program that ships
    document["rewards"] = [{"id": "cup", "name": "A cup", "cost": COST, "stock": STOCK}]
    file = tmp_path / "program.yaml"
    text = yaml.safe_dump(document).replace("'2100-01-01'", "2100-01-01")
    file.write_text(text, encoding="utf-8")
    return file


class Load:
    """Purchases and duplicates of them, refunds before and after them (some of too much), referrals.

    Totals stay small, so that every member stays bronze and a point is a whole euro.
    """

    def __init__(self, seed: int) -> None:
        rng = random.Random(seed)
        run = uuid.uuid4().hex[:8]
        now = datetime.now(UTC)
        self.at, earlier = now.isoformat(), (now - timedelta(minutes=1)).isoformat()
        self.members = [f"p{run}-{n}" for n in range(CUSTOMERS)]
        self.friends = [f"f{run}-{n}" for n in range(CUSTOMERS)]
        self.base: Counter[str] = Counter()
        self.too_much: dict[str, str] = {}
        """Event id to customer."""
        self.referrals = [
            event("referral.made", member, f"ref-{friend}", earlier, {"referred_customer": friend})
            for member, friend in zip(self.members, self.friends, strict=True)
        ]
        # Who refers is a member by then.
        self.first = [purchase(member, f"{member}-first", 100, earlier) for member in self.members]
        self.base.update(self.members)
        self.events: list[dict[str, Any]] = []
        everybody = [*self.members, *self.friends]
        for number in range(ORDERS):
            customer, order = everybody[number % len(everybody)], f"{run}-{number}"
            self._order(rng, customer, order, rng.randrange(200, 900))

    def _order(self, rng: random.Random, customer: str, order: str, cents: int) -> None:
        made = purchase(customer, order, cents, self.at)
        back = refund(customer, order, cents, self.at)
        self.base[customer] += cents // 100
        draw = rng.random()
        if draw < 0.1:  # the whole of it back, before it is heard of
            self.events += [back, made]
            self.base[customer] -= cents // 100
        elif draw < 0.15:  # too much, before it is heard of
            back["data"]["refund"]["amount"] = cents + 2  # one cent a line would be rounding
            self.too_much[back["id"]] = customer
            self.events += [back, made]
        else:
            self.events += [made, made] if draw < 0.35 else [made]

    def sending(self, platform: Platform) -> threading.Thread:
        def send() -> None:
            for start in range(0, len(self.events), 90):
                platform.send("purchases", self.events[start : start + 90])

        thread = threading.Thread(target=send)
        thread.start()
        return thread


def redemptions(load: Load) -> list[dict[str, Any]]:
    """Commands as the API sends them: more of them than there are cups."""
    asked = []
    for number in range(ASKED):
        customer = load.members[number % CUSTOMERS]
        one = event("loyalty.redemption.requested", customer, f"cup-{number}", load.at, {"reward_id": "cup"})
        one["source"] = f"/api/loyalty/faults/{load.members[0]}"
        asked.append(one)
    return asked


def kill_at_random(running: list[Any], worker: Any, rng: random.Random, times: int) -> None:
    for _ in range(times):
        threading.Event().wait(rng.uniform(0.2, 1.0))  # any moment will do: that is the point
        running.pop(rng.randrange(len(running))).kill()
        running.append(worker())


def test_what_is_shared_and_passed_on_is_exact_after_kills(
    platform: Platform, worker: WorkerStarter, program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAPPORT_PROGRAM", str(program))
    load, rng = Load(seed=11), random.Random(12)
    running = [worker(), worker()]
    for started in running:
        started.wait_ready()
    platform.send("purchases", load.first)
    platform.wait_caught_up("loyalty")
    platform.send("feedback", load.referrals)
    sender = load.sending(platform)
    kill_at_random(running, worker, rng, 3)
    sender.join()
    # Whoever asks for a cup has the points for it by then, those too that the worker sends itself.
    platform.wait_caught_up("loyalty")
    platform.wait_caught_up("loyalty")
    platform.send("commands", redemptions(load))
    kill_at_random(running, worker, rng, 1)
    for started in running:
        started.wait_ready()
    platform.wait_caught_up("loyalty")
    # What a worker sends itself comes back through the log: caught up twice is all of it.
    platform.wait_caught_up("loyalty")
    check(platform, load)


def check(platform: Platform, load: Load) -> None:
    everybody = [*load.members, *load.friends]
    database = platform.database("loyalty")
    rows = list(database["ledger"].find({"member": {"$in": everybody}}))
    by_reason: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        by_reason[row["reason"]][row["member"]] += row["points"]
    states = {s["_id"]: json.loads(s["data"]) for s in database["state"].find({"_id": {"$in": everybody}})}

    # Referrals: both, once.
    assert by_reason["referral"] == Counter(dict.fromkeys(everybody, 250))
    # The budget: what members keep of the campaign is what the counter says, and never too much. That is all
    # members: what an earlier test left in the log is handled by this test's workers, under this program.
    members = [json.loads(s["data"]) for s in database["state"].find({})]
    kept = sum(b["kept"] for m in members for b in m.get("bonuses", ()) if b["campaign"] == "gift")
    used = {c["_id"]: c["used"] for c in database["counters"].find({})}
    assert used["budget:gift"] == kept <= BUDGET
    assert kept > BUDGET - BONUS  # and it did run out
    # The stock: as many vouchers as there were cups.
    vouchers = list(database["vouchers"].find({"member": {"$in": everybody}}))
    assert len(vouchers) == used["stock:cup"] == STOCK
    assert -sum(by_reason["cup"].values()) == STOCK * COST
    # Purchases and returns, to the point.
    bonuses = {c: sum(b["kept"] for b in states[c]["bonuses"]) for c in everybody}
    for customer, seen in platform.members(everybody).items():
        wanted = load.base[customer] + bonuses[customer] + 250 + by_reason["cup"][customer]
        assert (seen.balance, seen.ledger_sum, seen.told_sum) == (wanted, wanted, wanted), customer
        assert seen.ledger_entries == seen.told_entries, customer
    # Returns of too much: each a dead letter, and to the journal as if never seen.
    dead = {e["id"] for told in platform.told("purchases.dlq", everybody).values() for e in told.values()}
    assert load.too_much.keys() <= dead
    uids = [f"/till/faults {event_id} {customer}" for event_id, customer in load.too_much.items()]
    entries = list(database["journal"].find({"_id": {"$in": uids}}))
    assert len(entries) == len(uids)
    assert all("retracted_until" in entry for entry in entries)
    # What is counted over all members is what they have.
    outstanding = sum(d.get("outstanding", 0) for d in database["liability"].find({}))
    assert outstanding == sum(lot["remaining"] for member in members for lot in member["lots"])
