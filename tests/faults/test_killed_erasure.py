"""kill -9 of all four workers amid erasures, and then the whole log again: of who was erased nothing is left
and nothing comes back, and that can be proven; of the others nothing is missing."""

import copy
import json
import uuid
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from mailbox import Maildir
from pathlib import Path
from typing import Any

import bson
import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.structs import OffsetAndMetadata
from typer.testing import CliRunner

from rapport.commands import customer
from shared.schemas.services import SERVICES
from tests.faults.conftest import ServiceProcess, WorkerStarter
from tests.faults.erased_people import TEAM, Person
from tests.faults.platform import Platform, own_platform, purchase
from tests.faults.rules import RULES
from tests.faults.running import Run
from tests.faults.test_killed_merges import cells

pytestmark = pytest.mark.faults

PEOPLE = 6
"""Of whom the first half is erased."""
JOURNAL = ("mid_erasure:1", "after_erasure_told:1")
POINTS = {
    "interactions": JOURNAL,
    "loyalty": JOURNAL,
    "followup": JOURNAL,
    "metrics": ("mid_batch:1", "after_transaction:1"),
}
"""Where each dies, one after another; metrics erase in one write: before it, and before it is told."""
OWN = (
    ("interactions", "/customers/{}"),
    ("interactions", "/customers/{}/timeline"),
    ("interactions", "/customers/{}/consents"),
    ("loyalty", "/members/{}"),
    ("followup", "/customers/{}/outreach"),
    ("metrics", "/customers/{}/health"),
)
SHARED = (
    ("interactions", "/customers?query=ada"),
    ("interactions", "/complaints?limit=100"),
    ("interactions", "/conversations?limit=100"),
    ("interactions", f"/tasks?team={TEAM}&limit=100"),
    ("interactions", "/duplicates?limit=100"),
)
NAMED = {"interactions audit", "interactions journal", f"interactions state team/{TEAM}"}
"""What may still name an id, and nothing else of theirs: who asked about it, while that is kept; places where
others are sought; a team, for an hour."""


def holding(platform: Platform, texts: Iterable[str]) -> set[str]:
    """The collections of the services where any of these stands, in whatever letters; of states the id."""
    found, needles = set(), [text.lower().encode() for text in texts]
    for service in SERVICES:
        database = platform.database(service)
        for name in database.list_collection_names():
            for document in database[name].find({}):
                raw = bson.encode(document).lower()
                if any(needle in raw for needle in needles):
                    found.add(f"{service} {name}" + (f" {document['_id']}" if name == "state" else ""))
    return found


def mails(platform: Platform) -> dict[str, bytes]:
    """All that have arrived, by their names in the folder, in small letters."""
    folder = Maildir(platform.env["RAPPORT_MAILBOX"], create=False)
    return {key: folder.get_bytes(key).lower() for key in folder.iterkeys()}


class Log:
    """All topics but the clock's."""

    def __init__(self, platform: Platform) -> None:
        self._brokers = platform.env["RAPPORT_KAFKA"]

    def _places(self, consumer: KafkaConsumer) -> list[TopicPartition]:
        topics = sorted(t for t in consumer.topics() if t != "clock" and not t.startswith("_"))
        return [TopicPartition(t, p) for t in topics for p in consumer.partitions_for_topic(t)]

    def rewind(self, service: str) -> None:
        """A group that nobody is in begins anew."""
        consumer = KafkaConsumer(
            bootstrap_servers=self._brokers, group_id=f"rapport-{service}", enable_auto_commit=False
        )
        try:
            places = self._places(consumer)
            consumer.assign(places)
            read = [place for place in places if consumer.committed(place)]
            assert read, service
            consumer.commit({place: OffsetAndMetadata(0, "", -1) for place in read})
        finally:
            consumer.close()

    def tell_again(self) -> int:
        """Every record once more behind all others, as it stands there. How many that are."""
        consumer = KafkaConsumer(bootstrap_servers=self._brokers, group_id=None)
        producer = KafkaProducer(bootstrap_servers=self._brokers, acks="all", linger_ms=5)
        try:
            places = [place for place in self._places(consumer) if not place.topic.endswith(".dlq")]
            consumer.assign(places)
            consumer.seek_to_beginning(*places)
            ends, told = consumer.end_offsets(places), 0
            while any(consumer.position(place) < end for place, end in ends.items()):
                for place, records in consumer.poll(timeout_ms=500).items():
                    for one in records:
                        if one.offset < ends[place]:
                            again = {"key": one.key, "value": one.value, "headers": one.headers}
                            producer.send(place.topic, partition=place.partition, **again)
                            told += 1
            producer.flush()
            return told
        finally:
            consumer.close()
            producer.close()


class Story:
    """What is told of the people on one platform, and what it comes to."""

    def __init__(self, platform: Platform, worker: WorkerStarter, rules: Path, begun: datetime) -> None:
        self.platform, self.begun = platform, begun
        self.people = [Person(n, f"zq{uuid.uuid4().hex[:12]}", begun) for n in range(PEOPLE)]
        self.gone, self.others = self.people[: PEOPLE // 2], self.people[PEOPLE // 2 :]
        self.run = Run(platform, worker, rules, POINTS)
        self._worker = worker
        self.apis: dict[str, ServiceProcess] = {}

    def serve(self, *services: str) -> None:
        """The APIs."""
        self.apis |= {service: self._worker(service, kind="api", clock="stream") for service in services}
        for service in services:
            self.apis[service].wait_ready(120)

    def live(self) -> None:
        """All of them live, and some of it is heard of by mail."""
        for told in (Person.profile, Person.life):
            self.run.send(e for person in self.people for e in told(person))
            self.run.settle()
        self.run.advance(self.begun + timedelta(seconds=30))

    def erase(self) -> None:
        """The first by whoever asks, the others as it is told. Nobody works meanwhile."""
        first, *others = self.gone
        status, body = self.apis["interactions"].call(f"/customers/{first.id}", "DELETE")
        assert status == 202, body
        self.run.send(person.erased() for person in others)

    def certificate(self, person: Person) -> dict[str, Any]:
        status, body = self.apis["interactions"].call(f"/erasures/{person.id}")
        return dict(json.loads(body)) if status == 200 else {}

    def wait_done(self) -> None:
        """Until all four have said so of each."""
        self.platform.wait(
            lambda: all(self.certificate(person).get("complete") for person in self.gone),
            90,
            "they are gone everywhere",
        )
        self.run.settle()

    def kept(self) -> dict[str, Any]:
        """Of the others, and what names nobody."""
        loyalty, found = self.platform.database("loyalty"), dict[str, Any]()
        members = self.platform.members(person.id for person in self.others)
        for id, member in members.items():
            assert member.balance == member.ledger_sum == member.told_sum > 0, id
        found["members"] = members
        for name in ("liability", "totals"):
            found[name] = {row["_id"]: row for row in loyalty[name].find({})}
        found["cells"] = cells(self.platform.database("metrics"))
        return found


def check_nothing_left(story: Story, before: dict[str, bytes]) -> None:
    platform = story.platform
    marks = [mark for person in story.gone for mark in person.marks]
    assert holding(platform, marks) == set()
    named = holding(platform, [f'"{person.id}"' for person in story.gone])
    assert named <= NAMED, named - NAMED
    for key, text in mails(platform).items():
        assert key in before or not any(mark.encode() in text for mark in marks), text.decode()
    for person in story.gone:
        for service, path in OWN:
            status, body = story.apis[service].call(path.format(person.id))
            assert (status, json.loads(body)["code"]) == (410, "erased"), (service, path)
    for service, path in SHARED:
        status, body = story.apis[service].call(path)
        assert status == 200, (path, body)
        assert not any(mark in body.lower() for mark in marks), path
        assert any(mark in body.lower() for one in story.others for mark in one.marks) or "dup" in path, path


def check_proven(story: Story, folder: Path) -> None:
    """By who is given the certificate and the key, and nothing else."""
    key = json.loads(story.apis["interactions"].call("/erasure-key")[1])["public_key"]
    for person in story.gone:
        told = story.certificate(person)
        assert person.id not in json.dumps(told)
        changed = copy.deepcopy(told)
        changed["entries"][-1]["removed"] = {"timeline": 1}
        for document, code in ((told, 0), (changed, 1)):
            file = folder / "certificate.json"
            file.write_text(json.dumps(document), encoding="utf-8")
            said = CliRunner().invoke(customer.app, ["verify-erasure", str(file), "--key", key])
            assert said.exit_code == code, said.output
        removed = {one["service"]: one["removed"] for one in told["services"]}
        assert removed["interactions"]["timeline"] > 8
        assert removed["loyalty"]["ledger"] > 2
        assert removed["followup"]["deliveries"] >= 4


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    rules, logs = tmp_path / "rules.yaml", tmp_path / "logs"
    rules.write_text(RULES, encoding="utf-8")
    logs.mkdir()
    begun = (datetime.now(UTC) - timedelta(hours=24)).replace(minute=0, second=0, microsecond=0)
    with own_platform(tmp_path / "home", "kafka", "mongo", "smtp") as platform:
        worker = WorkerStarter(platform, logs)
        try:
            yield Story(platform, worker, rules, begun)
        finally:
            worker.stop()


def test_nobody_comes_back_whoever_dies_and_whatever_is_told_again(story: Story, tmp_path: Path) -> None:
    platform, run = story.platform, story.run
    run.begin()
    story.serve("interactions")
    story.live()
    before = mails(platform)
    assert {f"{s} state p0" for s in SERVICES[:3]} <= holding(platform, story.gone[0].marks)
    assert any(story.gone[0].mark.encode() in text for text in before.values())
    counted = cells(platform.database("metrics"))

    run.kill()
    story.erase()
    for phase in range(len(JOURNAL)):
        run.dying(phase)
    run.begin()
    story.wait_done()
    kept = story.kept()
    assert kept["cells"] == counted

    run.stop()
    log = Log(platform)
    for service in SERVICES[:3]:  # metrics' offsets are with what they count
        log.rewind(service)
    assert log.tell_again() > 200
    run.send(e for person in story.gone for e in person.late())
    run.begin()
    run.settle()
    story.serve(*SERVICES[1:])
    assert story.kept() == kept
    new = [purchase(one.id, f"o-new-{one.mark}", 1_000, one.late_at) for one in story.others]
    run.send(new)
    run.settle()
    run.advance(story.begun + timedelta(hours=7))

    check_nothing_left(story, before)
    check_proven(story, tmp_path)
    later = [text for key, text in mails(platform).items() if key not in before]
    assert len(later) == 4 * len(story.others)  # an offer, and thanks for each order
    marks = [mark for person in story.gone for mark in person.marks]
    for file in (tmp_path / "logs").iterdir():
        text = file.read_text(errors="replace").lower()
        assert not any(mark in text for mark in marks), file.name
