"""One version up and one back: the next version's processes take over from the last one's, then the last
again, side by side for a while; no effect is lost, none happens twice, every figure is what was told."""

import subprocess
import uuid
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from shared.schemas.services import SERVICES
from tests.faults.conftest import ServiceProcess, WorkerStarter
from tests.faults.platform import Platform, event, purchase

pytestmark = pytest.mark.faults

ROOT = Path(__file__).parents[2]
LAST = "f1a9179df634b290cc8639e0498a3db723e47a2e"
"""The last version: the commit that the release before this one was made of."""
CUSTOMERS = 20
SCORES = (7, 6, 2)


@pytest.fixture(scope="module")
def last(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The code of the last version."""
    archive = subprocess.run(["git", "archive", LAST], cwd=ROOT, capture_output=True)
    assert archive.returncode == 0, f"this needs the history (git fetch --unshallow): {archive.stderr!r}"
    folder = tmp_path_factory.mktemp("last")
    subprocess.run(["tar", "-x"], cwd=folder, input=archive.stdout, check=True)
    return folder


class Shop:
    """Tells of each customer a purchase, an answer and a complaint a round, and knows what they come to."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self.segment = f"up-{uuid.uuid4().hex[:8]}"
        self.customers = [f"{self.segment}-{number}" for number in range(CUSTOMERS)]
        self.rounds = 0
        now = datetime.now(UTC).isoformat()
        profile = {"name": "Ada Ellis", "segment": self.segment}
        registered = [event("customer.registered", c, f"{c}-r", now, profile) for c in self.customers]
        platform.send("customers", registered)

    def tell(self) -> None:
        """A round, half of it told twice."""
        now = datetime.now(UTC).isoformat()
        for number, customer in enumerate(self.customers):
            name, copies = f"{customer}-{self.rounds}", 1 + number % 2
            about = {"kind": "order", "id": name}
            answer = {"survey": "ces", "score": SCORES[self.rounds], "about": about}
            complaint = {"complaint_id": name, "channel": "email", "category": "delivery"}
            complaint |= {"severity": "normal", "description": "late"}
            told = {
                "purchases": purchase(customer, name, 300, now),
                "feedback": event("survey.answered", customer, f"{name}-a", now, answer),
                "complaints": event("complaint.opened", customer, f"{name}-c", now, complaint),
            }
            for topic, what in told.items():
                self._platform.send(topic, [what] * copies)
        self.rounds += 1

    def check(self) -> None:
        """Balances, ledgers, told facts and complaints are those of the rounds told."""
        for customer, member in self._platform.members(self.customers).items():
            assert member.balance == member.ledger_sum == member.told_sum == 3 * self.rounds, customer
            assert member.ledger_entries == member.told_entries == self.rounds, customer
        complaints = self._platform.database("interactions")["complaints"]
        found = complaints.count_documents({"customer": {"$in": self.customers}})
        assert found == CUSTOMERS * self.rounds

    def shown(self, api: ServiceProcess) -> bool:
        """Whether metrics tells as many answers and open complaints, and their mean."""
        found = api.get(f"/kpis?window=7d&segment={self.segment}")
        number, mean = CUSTOMERS * self.rounds, sum(SCORES[: self.rounds]) / self.rounds
        return (found["basis"]["ces"]["n"], found["ces"], found["open_complaints"]) == (number, mean, number)


def test_a_version_up_and_back(platform: Platform, worker: WorkerStarter, last: Path) -> None:
    shop = Shop(platform)
    running: list[ServiceProcess] = []
    for code in (last, ROOT, last):
        # Both versions run side by side while one takes over from the other, as in a rolling update.
        following = [worker(service, code=code) for service in SERVICES]
        for process in following:
            process.wait_ready()
        shop.tell()
        for process in running:
            process.stop()
        running = following
        for service in SERVICES:
            platform.wait_caught_up(service)
        shop.check()
        api = worker("metrics", kind="api", code=code)
        api.wait_ready()
        platform.wait(partial(shop.shown, api), 30, "the figures are those told")
        api.kill()
