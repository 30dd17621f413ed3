"""Messages that CloudEvents' own SDKs wrote: Python's as they write them now, the others' recorded.

Each of the recorded files was written by the program beside it, whose first lines say how to run it again.
"""

import json
from base64 import b64decode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from cloudevents.core.bindings import http, kafka
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from cloudevents.v1 import conversion
from cloudevents.v1 import http as old_http
from cloudevents.v1.kafka import conversion as old_kafka

RECORDED = ("golang", "java", "javascript")
JSON = "application/json"
PURCHASE, ERASED = "rapport.purchase.made.v1", "rapport.customer.erased.v1"
UNICODE, ASCII = 'Köln "Nord" 100% ☃', 'Nord "1" 100% of it'
"""An extension, and what stands in its place in a header that the SDK leaves as it is."""


@dataclass(frozen=True)
class Message:
    """One request or record; ``name`` is its event's id too, ``sdk`` its source's last part."""

    sdk: str
    transport: Literal["http", "kafka"]
    mode: Literal["structured", "binary", "batch"]
    name: str
    headers: tuple[tuple[str, bytes | None], ...]
    body: bytes | None

    @property
    def subject(self) -> str:
        return f"{self.sdk}-{self.name}"

    def __str__(self) -> str:
        return self.subject


def recorded(sdk: str) -> Iterator[Message]:
    """What another language's SDK wrote."""
    told = json.loads((Path(__file__).parent / f"{sdk}.json").read_text(encoding="utf-8"))
    for message in told["messages"]:
        headers = tuple((name, _bytes(value)) for name, value in message["headers"])
        yield Message(
            sdk, message["transport"], message["mode"], message["name"], headers, _bytes(message["body"])
        )


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else b64decode(text)


def python() -> Iterator[Message]:
    """What Python's SDK writes by its own API."""
    form = JSONFormat()
    write: dict[tuple[str, str], Any] = {
        ("http", "structured"): http.to_structured,
        ("http", "binary"): http.to_binary,
        ("kafka", "structured"): kafka.to_structured,
        ("kafka", "binary"): kafka.to_binary,
    }
    for (transport, mode), to in write.items():
        for kind in ("plain", "typed", "bytes", "nothing"):
            name = f"{transport}-{mode}-{kind}"
            event = CloudEvent(_attributes("python", name, kind), _data(name, kind))
            sent = to(event, form)
            body = sent.body if transport == "http" else sent.value
            yield _message("python", transport, mode, name, sent.headers, body)


def older_python() -> Iterator[Message]:
    """What the same package writes by the API of its versions before 2."""
    for mode in ("structured", "binary"):
        for kind in ("plain", "nothing"):
            name = f"http-{mode}-{kind}"
            headers, body = getattr(conversion, f"to_{mode}")(_older(name, kind, mode))
            yield _message("older_python", "http", mode, name, headers, body)
            name = f"kafka-{mode}-{kind}"
            to = getattr(old_kafka, f"to_{mode}")
            sent = to(_older(name, kind, mode), key_mapper=lambda event: event["subject"])
            yield _message("older_python", "kafka", mode, name, sent.headers, sent.value)


def _older(name: str, kind: str, mode: str) -> old_http.CloudEvent:
    # For Kafka it takes text alone, and needs the content type even of no data.
    told = {"time": "2025-12-31T23:59:59.999999999Z", "sequence": "7", "datacontenttype": JSON}
    attributes = _attributes("older_python", name, kind) | told
    if name.startswith("http-binary"):
        attributes["region"] = ASCII
    return old_http.CloudEvent(attributes, _data(name, kind))


def _attributes(sdk: str, name: str, kind: str) -> dict[str, Any]:
    # In capitals it would write a dict's repr instead.
    media = {"typed": "application/vnd.shop+json; charset=UTF-8", "nothing": None}.get(
        kind, "application/json"
    )
    return {
        "specversion": "1.0",
        "id": name,
        "source": f"/sdk/{sdk}",
        "type": ERASED if kind == "nothing" else PURCHASE,
        "subject": f"{sdk}-{name}",
        "time": datetime(2025, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
        "region": UNICODE,
        "sequence": 7,
        **({} if media is None else {"datacontenttype": media}),
    }


def _data(name: str, kind: str) -> Any:
    money = {"amount": 1299.0, "currency": "EUR"}
    data = {
        "order_id": name,
        "channel": "web",
        "total": money,
        "items": [{"sku": "x", "quantity": 1, "unit_price": money}],
        "note": "Grüße ☃",
    }
    return {"nothing": None, "bytes": json.dumps(data).encode()}.get(kind, data)


def _message(
    sdk: str,
    transport: Any,
    mode: Any,
    name: str,
    headers: Mapping[str, str | bytes],
    body: str | bytes | None,
) -> Message:
    told = tuple((k, v.encode() if isinstance(v, str) else v) for k, v in headers.items())
    return Message(sdk, transport, mode, name, told, body.encode() if isinstance(body, str) else body)


MESSAGES = (*python(), *older_python(), *(message for sdk in RECORDED for message in recorded(sdk)))
