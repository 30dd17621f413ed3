"""No log, metric or reason of a dead letter has what somebody sent: marked values go in by every route and
topic, in the right places and in every wrong one, and are looked for afterwards.

After most other files, since it leaves customers and agents behind whom nobody else wants.
"""

import base64
import hmac
import json
import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from mailbox import Maildir
from smtplib import LMTP, SMTPDataError
from typing import Any
from urllib.error import URLError
from urllib.parse import quote, urlencode
from urllib.request import urlopen

import pytest
from kafka import KafkaProducer

from shared.schemas.services import SERVICES
from shared.schemas.topics import TOPICS
from tests.marked import ID, Filler, Marks, bad, otherwise
from tests.shops import SECRET
from tests.stack import STRUCTURED, Stack, event, new_customer, until

METHODS = ("get", "put", "post", "patch", "delete")
STREAM = "text/event-stream"
FORM = "application/x-www-form-urlencoded"
ENDING = ("customer.erased", "customer.merged")
"""After which nothing more is heard of a customer: each is told of somebody else."""


@dataclass(frozen=True)
class Call:
    """A request to be made."""

    service: str
    method: str
    path: str
    body: Any = None
    kind: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Sent:
    """What was sent and what it was answered."""

    marks: Marks
    since: datetime
    statuses: Counter[int]
    records: int
    heard: str
    """The customer's timeline, before anything was deleted."""


@pytest.fixture(scope="module")
def sent(stack: Stack) -> Sent:
    """By every route and on every topic, once; all of it has been handled."""
    marks, customer, since = Marks(), new_customer(), datetime.now(UTC)
    records = list(told(marks, customer))
    publish(stack, records)
    stack.settle(60)
    calls = [call for service in SERVICES for call in calls_of(stack, service, marks, customer)]
    last = [call for call in calls if call.method == "delete"]

    def status(call: Call) -> int:
        headers = {"X-API-Key": stack.env["RAPPORT_API_KEY"], **dict(call.headers)}
        return stack.call(
            call.service,
            call.method.upper(),
            call.path,
            call.body,
            kind=call.kind,
            headers=headers,
        ).status

    with ThreadPoolExecutor(6) as several:
        statuses = Counter(several.map(status, [*(c for c in calls if c not in last), *hooks(marks)]))
        write(stack, marks)
        stack.settle(60)
        heard = json.dumps(stack.timeline(customer), ensure_ascii=False)
        statuses += Counter(several.map(status, last))
    stack.settle(60)
    return Sent(marks, since, statuses, len(records), heard)


def calls_of(stack: Stack, service: str, marks: Marks, customer: str) -> Iterator[Call]:
    """Of each operation one that is meant well, and marks in its path, its query and its body; but of those
    that tell of changes for as long as a page is open."""
    document = stack.get(service, "/openapi.json")
    filler = Filler(marks, document, {"customer_id": customer, "into": customer})
    for path, operations in document["paths"].items():
        for method in METHODS:
            if method in operations and STREAM not in str(operations[method]["responses"]):
                yield from _calls(filler, service, method, path, operations[method])
    for odd in (marks.email, quote(marks.text), f"customers/{marks.phone}/{quote(marks.text)}"):
        yield Call(service, "get", f"/{odd}?{urlencode({'q': marks.text})}")
        yield Call(service, "patch", f"/{odd}", {"name": marks.text})


def _calls(filler: Filler, service: str, method: str, path: str, operation: Any) -> Iterator[Call]:
    marks, about = filler.marks, filler.ids["customer_id"]
    known = path.replace("{customer_id}", about).replace("{team}", "support")
    usual = _filled(known, ID)
    queries = [one["name"] for one in operation.get("parameters", ()) if one["in"] == "query"]
    marked = urlencode(dict.fromkeys((*queries, "q", "email"), marks.text))
    body, kind = None, "application/json"
    for taken, content in [*operation.get("requestBody", {}).get("content", {}).items()][:1]:
        body, kind = filler.good(content.get("schema", {})), taken
    yield _call(service, method, usual, body, kind)
    yield _call(service, method, f"{usual}?{marked}", body, kind)
    if "{" in path:
        for odd in (marks.email, marks.text, f"email:{marks.email}", f"phone:{marks.phone}"):
            yield _call(service, method, _filled(path, quote(odd)), body, kind)
    for wrong in bad(marks, body) if body is not None else ():
        yield _call(service, method, usual, wrong, kind)
    if body is not None:
        yield Call(service, method, usual, f'{{"name": "{marks.text}'.encode(), kind)
        yield Call(service, method, usual, f"{marks.text}\udcff".encode(errors="surrogateescape"), kind)
        yield _call(service, method, usual, {"email": marks.email}, "text/plain")


def _call(service: str, method: str, path: str, body: Any, kind: str) -> Call:
    if kind == FORM and isinstance(body, dict):
        body = urlencode({str(k): str(v) for k, v in body.items()}).encode()
    keyed = () if method == "get" else (("Idempotency-Key", uuid.uuid4().hex),)
    return Call(service, method, path, body, kind, keyed)


def _filled(path: str, value: str) -> str:
    while "{" in path:
        path = path[: path.index("{")] + value + path[path.index("}") + 1 :]
    return path


def hooks(marks: Marks) -> Iterator[Call]:
    """What a shop has signed, with marks where it has other things."""
    for topic in ("orders/create", "refunds/create", "customers/data_request", marks.text.encode().hex()):
        address = {"first_name": marks.text, "phone": marks.phone}
        for body in (
            {"id": marks.text, "email": marks.email, "billing_address": address},
            [marks.text],
            marks.text,
        ):
            raw = json.dumps(body).encode()
            signed = base64.b64encode(hmac.digest(SECRET.encode(), raw, "sha256")).decode()
            headers = (("X-Shopify-Topic", topic), ("X-Shopify-Hmac-Sha256", signed))
            yield Call("interactions", "post", "/hooks/shopify", raw, headers=headers)


def write(stack: Stack, marks: Marks) -> None:
    """Mails: one that comes back, one to a box of ours, and what no mail program says."""
    raw = f"From: {marks.email}\r\nTo: {marks.email}\r\nSubject: {marks.text}\r\n\r\n{marks.text}".encode()
    Maildir(stack.home.root / "bounces").add(raw)
    host, _, port = stack.env["RAPPORT_MAIL_IN"].rpartition(":")
    for sender, mail in ((marks.email, raw), ("", raw), (marks.email, marks.text.encode())):
        with LMTP(host, int(port), timeout=30) as server, suppress(SMTPDataError):
            server.sendmail(sender, [marks.email], mail)
    with LMTP(host, int(port), timeout=30) as server:
        server.ehlo(marks.word)
        for said in (marks.word, f"MAIL FROM {marks.email}", f"RCPT TO:<{marks.word}", f"VRFY {marks.email}"):
            server.docmd(said)


Record = tuple[str, bytes, bytes, list[tuple[str, bytes]]]


def told(marks: Marks, customer: str) -> Iterator[Record]:
    """Each type well told, and badly in each way; and on each topic what is no event at all."""
    structured = [("content-type", STRUCTURED.encode())]
    for topic, types in TOPICS.items():
        for kind in types:
            schema = kind.model_json_schema()
            name = kind.event_type.removeprefix("rapport.").removesuffix(".v1")
            about = new_customer() if name in ENDING or topic == "commands" else customer
            named = {"customer_id": customer}
            data, own = (Filler(marks, schema, named, id).good(schema) for id in (ID, marks.id))
            base = {**event(name, about, data), "type": kind.event_type}
            # Commands are Rapport's own: ones that contradict each other would have it answer itself.
            good = () if topic == "commands" else (data, own, *otherwise(own))
            for content in (*good, *bad(marks, data)):
                one = {**base, "id": uuid.uuid4().hex, "data": content}
                yield topic, about.encode(), json.dumps(one).encode(), structured
            attributes = [
                (f"ce_{k}", str(v).encode()) for k, v in base.items() if k not in ("data", "datacontenttype")
            ]
            yield (
                topic,
                about.encode(),
                marks.text.encode(),
                [*attributes, ("content-type", b"application/json")],
            )
        base = event("purchase.made", customer, {"note": marks.text})
        for field in (
            "id",
            "source",
            "type",
            "subject",
            "time",
            "specversion",
            "datacontenttype",
            "traceparent",
        ):
            yield topic, customer.encode(), json.dumps({**base, field: marks.text}).encode(), structured
        yield topic, marks.email.encode(), json.dumps(base).encode(), structured
        yield topic, customer.encode(), f'{{"{marks.text}": "{marks.email}'.encode(), structured
        yield topic, customer.encode(), f"{marks.text}\udcff".encode(errors="surrogateescape"), structured
        yield (
            topic,
            customer.encode(),
            json.dumps(base).encode(),
            [("content-type", b"application/" + marks.word.encode())],
        )


def publish(stack: Stack, records: list[Record]) -> None:
    producer = KafkaProducer(bootstrap_servers=stack.env["RAPPORT_KAFKA"], acks="all", linger_ms=20)
    try:
        for topic, key, value, headers in records:
            producer.send(topic, key=key, value=value, headers=headers)
        producer.flush(30)
    finally:
        producer.close()


def found(marks: Marks, text: str) -> list[str]:
    """The lines that have a mark, cut where it is."""
    return [
        line[max(0, line.index(mark) - 300) : line.index(mark) + 60]
        for line in text.splitlines()
        for mark in marks.sought
        if mark in line
    ]


def test_marks_have_come_to_all_kinds_of_answer(sent: Sent) -> None:
    """Or nothing was tried."""
    assert {200, 202, 404, 409, 415, 422} <= set(sent.statuses), sent.statuses
    assert not {status for status in sent.statuses if status >= 500}, sent.statuses
    assert sent.records > 500
    assert found(sent.marks, sent.heard)


def test_no_log_has_a_mark(sent: Sent, stack: Stack) -> None:
    files = [file for file in stack.home.logs.iterdir() if file.name.startswith(SERVICES)]
    logs = {file.name: found(sent.marks, file.read_text(errors="replace")) for file in files}
    processes = [f"{service}-{kind}" for service in SERVICES for kind in ("worker", "api")]
    assert {f"{name}.log" for name in (*processes, "interactions-mail")} <= set(logs), set(logs)
    assert not {name: lines[:10] for name, lines in logs.items() if lines}


def test_no_metric_has_a_mark(sent: Sent, stack: Stack) -> None:
    asked, has = set(), {}
    for name, part in stack.parts().items():
        if part.port is None or not name.startswith(SERVICES):
            continue
        try:
            with urlopen(f"http://{part.host}:{part.port}/metrics", timeout=10) as answer:
                text = answer.read().decode()
        except URLError:  # a part without such a page
            continue
        asked.add(name)
        has[name] = found(sent.marks, text)
    assert len(asked) >= 2 * len(SERVICES), asked
    assert not {name: lines[:10] for name, lines in has.items() if lines}


@pytest.mark.parametrize("service", SERVICES)
def test_no_entry_of_the_audit_trail_has_a_mark(sent: Sent, stack: Stack, service: str) -> None:
    """It names routes, callers and customers, and neither a query nor a body. Somebody else is asked for: who
    was erased among the others takes along what was asked of them."""
    stack.call(service, "GET", f"/customers/{new_customer()}/held")
    path = f"/audit?{urlencode({'from': sent.since.isoformat(), 'limit': 100})}"
    entries = until(lambda: stack.pages(service, path), "requests are in the trail")
    assert not found(sent.marks, json.dumps(entries, ensure_ascii=False))


def test_no_dead_letter_has_a_mark_in_its_reason(sent: Sent, stack: Stack) -> None:
    """Its value is the record as it came, and has: that is what it is for."""
    reasons = [
        {name: value.decode() for name, value in record.headers if name.startswith("rapport-")}
        for record in stack.records(*(f"{topic}.dlq" for topic in TOPICS))
    ]
    why = {one["rapport-error"] for one in reasons}
    assert {"field", "json", "type", "invalid_alias", "duplicate_review", "duplicate_order"} <= why, why
    has = found(sent.marks, "\n".join(json.dumps(one) for one in reasons))
    assert not has, (len(has), Counter(line[:200] for line in has).most_common(10))
