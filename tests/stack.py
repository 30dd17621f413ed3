"""The running platform, as another system meets it: HTTP, Kafka, a mailbox, its status."""

import json
import os
import signal
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from mailbox import Maildir, MaildirMessage
from typing import Any, Literal, TypeVar

import jwt
import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from rapport import broker
from rapport.home import Home
from rapport.lag import measure
from rapport.status import PartStatus, read
from shared.kafka.brokers import Brokers
from shared.schemas.services import SERVICES
from tests.frozen import frozen
from tests.servers import Servers

T = TypeVar("T")
STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"


@dataclass(frozen=True)
class Answer:
    status: int
    body: Any
    headers: Mapping[str, str]


class Stack:
    """What ``.rapport/env`` of a running stack names."""

    def __init__(
        self,
        home: Home,
        env: Mapping[str, str],
        jwt_secret: str | None = None,
        servers: Servers | None = None,
    ) -> None:
        """``servers``: Kafka and MongoDB where they are in containers."""
        self.home = home
        self.env = dict(env)
        self._jwt_secret = jwt_secret
        self._servers = servers

    # HTTP

    def call(
        self,
        service: str,
        method: str,
        path: str,
        body: Any = None,
        *,
        kind: str = "application/json",
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One request, with the key of all scopes unless ``headers`` are given; ``key``: Idempotency-Key."""
        sent = dict(headers) if headers is not None else {"X-API-Key": self.env["RAPPORT_API_KEY"]}
        if key is not None:
            sent["Idempotency-Key"] = key
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        if data is not None:
            sent["content-type"] = kind
        url = self.env[f"RAPPORT_{service.upper()}_URL"] + path
        request = urllib.request.Request(url, data=data, method=method, headers=sent)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return Answer(answer.status, _json(answer.read()), dict(answer.headers.items()))
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, _json(error.read()), dict(error.headers.items()))

    def get(self, service: str, path: str) -> Any:
        """The body of a GET that must succeed."""
        answer = self.call(service, "GET", path)
        assert answer.status == 200, answer
        return answer.body

    def caller(
        self, *scopes: str, name: str = "a-caller", lasting: float = 300.0, secret: str | None = None
    ) -> dict[str, str]:
        """The headers of somebody with these scopes only; ``secret`` signs instead of the stack's own."""
        signed_with = secret or self._jwt_secret
        if signed_with is None:
            pytest.skip(
                "the stack of RAPPORT_TEST_HOME takes no tokens: start it with RAPPORT_JWT_SECRET set"
            )
        claims = {"sub": name, "exp": time.time() + lasting, "scope": list(scopes)}
        return {"Authorization": f"Bearer {jwt.encode(claims, signed_with, algorithm='HS256')}"}

    def post_events(self, *events: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Answer:
        one = len(events) == 1
        return self.call(
            "interactions",
            "POST",
            "/events",
            events[0] if one else list(events),
            kind=STRUCTURED if one else BATCH,
            headers=headers,
        )

    def pages(self, service: str, path: str) -> list[Any]:
        """Every item of a list, page by page; ``path`` has a query already."""
        page = self.get(service, path)
        items: list[Any] = page["items"]
        while page["cursor"] is not None:
            page = self.get(service, f"{path}&cursor={page['cursor']}")
            items += page["items"]
        return items

    def ledger(self, customer: str) -> list[Any]:
        return self.pages("loyalty", f"/members/{customer}/ledger?limit=100")

    def timeline(self, customer: str) -> list[Any]:
        """A customer's events, newest first; none while nothing has been heard of the customer."""
        known = self.call("interactions", "GET", f"/customers/{customer}").status == 200
        return self.pages("interactions", f"/customers/{customer}/timeline?limit=100") if known else []

    def balance(self, customer: str) -> int | None:
        answer = self.call("loyalty", "GET", f"/members/{customer}")
        return answer.body["balance"] if answer.status == 200 else None

    # Kafka

    def produce(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        headers: Iterable[tuple[str, bytes]] = (("content-type", STRUCTURED.encode()),),
        partition: int | None = None,
    ) -> None:
        producer = KafkaProducer(bootstrap_servers=self.env["RAPPORT_KAFKA"], acks="all")
        try:
            producer.send(topic, key=key, value=value, headers=list(headers), partition=partition).get(20)
        finally:
            producer.close()

    def send(self, topic: str, e: Mapping[str, Any]) -> None:
        self.produce(topic, e["subject"].encode(), json.dumps(e).encode())

    def records(self, *topics: str) -> list[Any]:
        """Every record of these topics, up to their ends now."""
        consumer = KafkaConsumer(bootstrap_servers=self.env["RAPPORT_KAFKA"], group_id=None)
        try:
            partitions = [
                TopicPartition(topic, p) for topic in topics for p in consumer.partitions_for_topic(topic)
            ]
            consumer.assign(partitions)
            consumer.seek_to_beginning(*partitions)
            ends = consumer.end_offsets(partitions)
            found: list[Any] = []
            while any(consumer.position(tp) < end for tp, end in ends.items()):
                for batch in consumer.poll(timeout_ms=500).values():
                    found += batch
            return found
        finally:
            consumer.close()

    def ends(self, topic: str) -> dict[Any, int]:
        """The next offset of each partition."""
        consumer = KafkaConsumer(bootstrap_servers=self.env["RAPPORT_KAFKA"], group_id=None)
        try:
            partitions = [TopicPartition(topic, p) for p in consumer.partitions_for_topic(topic)]
            return dict(consumer.end_offsets(partitions))
        finally:
            consumer.close()

    def behind(self) -> list[str]:
        """What services have not committed yet; empty when nothing more comes of what was sent."""
        with broker.admin(Brokers(self.env["RAPPORT_KAFKA"])) as client:
            rows = measure(client)
        silent = {broker.GROUP_PREFIX + service for service in SERVICES} - {row.group for row in rows}
        late = [f"{r.group} {r.topic}/{r.partition} at {r.committed} of {r.end}" for r in rows if r.lag]
        return [f"{group} has committed nothing" for group in sorted(silent)] + late

    def settle(self, seconds: float = 15.0) -> None:
        """Wait until every service has committed all there is."""
        deadline = time.monotonic() + seconds
        while late := self.behind():
            assert time.monotonic() < deadline, f"not read within {seconds} s: {late}"
            time.sleep(0.1)

    # Parts and mail

    def parts(self) -> dict[str, PartStatus]:
        status = read(self.home)
        found = {part.name: part for part in status.parts} if status else {}
        if self._servers:
            found |= {part: self._servers.status(part) for part in self._servers.containers}
        return found

    def running_pid(self, part: str) -> int | None:
        """The part's process, None while it does not run."""
        found = self.parts().get(part)
        return found.pid if found else None

    def pid(self, part: str) -> int:
        pid = self.running_pid(part)
        assert pid is not None, part
        return pid

    def signal(self, part: str, number: signal.Signals) -> None:
        if self._servers and part in self._servers.containers:
            self._servers.signal(part, number)
        else:
            os.kill(self.pid(part), number)

    @contextmanager
    def frozen(self, part: str) -> Iterator[None]:
        """It answers nothing, as behind a broken network; it goes on in the end."""
        contained = self._servers is not None and part in self._servers.containers
        stopped = self._servers.frozen(part) if self._servers and contained else frozen(self.pid(part))
        with stopped:
            yield

    def mails(self, address: str) -> list[MaildirMessage]:
        mailbox = Maildir(self.env["RAPPORT_MAILBOX"], create=False)
        return [mail for mail in mailbox if address in str(mail["To"])]


def _json(raw: bytes) -> Any:
    try:
        return json.loads(raw or b"null")
    except ValueError:
        return raw.decode(errors="replace")


def until(ask: Callable[[], T | Literal[False] | None], what: str, seconds: float = 15.0) -> T:
    """The first answer that is true, within so many seconds."""
    deadline = time.monotonic() + seconds
    while True:
        answer = ask()
        if answer:
            return answer
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}; last: {answer}"
        time.sleep(0.05)


def awake() -> str:
    """A time zone where it is about noon now, so that no quiet hours are in the way."""
    offset = datetime.now(UTC).hour - 12
    return f"Etc/GMT{offset:+d}" if offset else "UTC"


def new_customer() -> str:
    return f"cust-{uuid.uuid4().hex[:12]}"


def event(
    kind: str, customer: str, data: Mapping[str, Any], *, event_id: str | None = None, at: str | None = None
) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": event_id or uuid.uuid4().hex,
        "source": "/till/integration",
        "type": f"rapport.{kind}.v1",
        "subject": customer,
        "time": at or datetime.now(UTC).isoformat(),
        "datacontenttype": "application/json",
        "data": data,
    }


def purchase(customer: str, cents: int, *, order: str | None = None, currency: str = "EUR", **kw: Any) -> Any:
    total = {"amount": cents, "currency": currency}
    order = order or uuid.uuid4().hex
    items = [{"sku": "tea", "quantity": 1, "unit_price": total}]
    data = {"order_id": order, "channel": "web", "total": total, "items": items, "voucher_codes": []}
    return event("purchase.made", customer, data, **kw)
