"""The API as it is served, with the domain as the worker behind a pretended broker."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from fastapi import FastAPI
from pymongo import MongoClient

from services.followup import api
from services.followup.config import DEFAULT_RULES, load_policy
from services.followup.settings import FollowupSettings
from shared.domain import Outcome
from shared.facts.erased import erased_hash, erasure_key
from shared.kafka.publisher import Record
from shared.runtime.digest import digest
from shared.schemas.codec import decode, open_envelope

from .driver import CHANNELS, DAY, Driver, profile

KEY = {"X-API-Key": "a-key-for-the-tests"}
SECRET = "a secret of more than 16"
URL = "https://rapport.example"
DAYTIME = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0) + DAY


def rules_about(topics: Sequence[Mapping[str, Any]], folder: Path) -> Path:
    """The default rules in a file there, of these topics and no others."""
    document = yaml.safe_load(DEFAULT_RULES.read_text())
    for rule in document["rules"]:
        if rule.get("topic") not in [topic["name"] for topic in topics]:
            rule.pop("topic", None)
    file = folder / "rules.yaml"
    file.write_text(yaml.safe_dump({**document, "topics": [*topics]}))
    return file


class Worker(Driver):
    """The driver, its state and rows in the store; commands from the API are applied and journalled."""

    ready = True

    def attach(self, store: Any) -> "Worker":
        self.store = store
        return self

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def partitions(self, topic: str) -> int:
        return 4

    async def publish(self, records: Sequence[Record]) -> None:
        for record in records:
            event = decode(open_envelope(record.key, record.value, record.headers), wall_now=self.now)
            asked = digest(event.subject, event.data)
            answer = self.send(event)
            self.save()
            self._enter(event.uid, asked, answer)
            if "merged_into" in answer.body:  # it was relayed, and decided by the survivor's worker
                there = str(answer.body["uid"])
                self._enter(there, None, self.worker.store.outcomes[there] or Outcome())

    def _enter(self, uid: str, asked: bytes | None, answer: Outcome) -> None:
        outcome = {"status": answer.status, "body": dict(answer.body)}
        self.store["journal"].insert_one({"_id": uid, "digest": asked, "outcome": outcome})

    def save(self) -> None:
        for customer in self.worker.store.gone:
            key = erasure_key(SECRET.encode())
            kept = {"_id": erased_hash(key, customer)}
            self.store["erased"].replace_one(kept, kept, upsert=True)
            self.store["state"].delete_one({"_id": customer})
        for customer, state in self.worker.states.items():
            document = {"_id": customer, "version": 1, "data": state.model_dump_json()}
            self.store["state"].replace_one({"_id": customer}, document, upsert=True)
        for name in ("deliveries", "receipts"):
            for row in self.worker.rows(name):
                self.store[name].replace_one({"_id": row["_id"]}, dict(row), upsert=True)


def settings_for(mongo_uri: str, **changes: Any) -> FollowupSettings:
    told = {"kafka": "127.0.0.1:1", "mongo": mongo_uri, "secret_key": SECRET, "api_key": KEY["X-API-Key"]}
    return FollowupSettings.model_validate({**told, "followup_url": URL, **changes})


@contextmanager
def working(settings: FollowupSettings, channels: Mapping[str, Any] = CHANNELS) -> Iterator[Worker]:
    """A worker on an empty store that knows one customer."""
    with MongoClient[dict[str, Any]](settings.mongo, tz_aware=True) as client:
        store = client["rapport_followup"]
        for name in ("deliveries", "receipts", "state", "journal", "erased"):
            store[name].delete_many({})
        worker = Worker(policy=load_policy(settings, [*channels.values()]), now=DAYTIME).attach(store)
        worker.event(profile())
        worker.save()
        yield worker


def app_of(settings: FollowupSettings, worker: Worker) -> FastAPI:
    """The app, whose commands go to the worker."""
    made = api.create_api

    def create(*args: Any, **more: Any) -> Any:
        return made(*args, publisher=worker, **more)

    api.create_api = create
    try:
        return api.create_app(settings, worker.policy)
    finally:
        api.create_api = made
