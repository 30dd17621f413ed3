"""confluent-kafka alone: librdkafka's batches, msgspec, a dict, a changelog and a commit each second."""

import sys
import time
from datetime import UTC, datetime

import msgspec
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient, NewTopic
from progress import Progress

COMMIT_SECONDS = 1.0
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Money(msgspec.Struct):
    amount: int
    currency: str


class Item(msgspec.Struct):
    sku: str
    quantity: int
    unit_price: Money
    category: str | None = None


class Purchase(msgspec.Struct):
    order_id: str
    channel: str
    total: Money
    items: tuple[Item, ...]
    store_id: str | None = None
    voucher_codes: tuple[str, ...] = ()


class CloudEvent(msgspec.Struct):
    specversion: str
    id: str
    source: str
    type: str
    subject: str
    time: datetime
    data: Purchase


def main(bootstrap: str, group: str, wanted: int) -> None:
    changelog = f"{group}-changelog"
    made = NewTopic(changelog, 4, 1, config={"cleanup.policy": "compact"})
    admin = AdminClient({"bootstrap.servers": bootstrap})
    admin.create_topics([made])[changelog].result()
    options = {"bootstrap.servers": bootstrap, "group.id": group, "auto.offset.reset": "earliest"}
    # A full queue is looked at again after a second, unless told.
    consumer = Consumer({**options, "enable.auto.commit": False, "fetch.queue.backoff.ms": 10})
    producer = Producer({"bootstrap.servers": bootstrap, "queue.buffering.max.messages": 1_000_000})
    consumer.subscribe(["purchases"])
    decode, encode = msgspec.json.Decoder(CloudEvent).decode, msgspec.msgpack.encode
    sums: dict[tuple[str, int], list[int]] = {}
    changed: set[tuple[str, int]] = set()
    progress, next_commit, finished = Progress(wanted), 0.0, False
    while not finished:
        messages = consumer.consume(5000, 0.2)
        if not messages:
            continue
        progress.begin()
        for message in messages:
            event = decode(message.value())
            cell = event.subject, (event.time - EPOCH).days
            held = sums.setdefault(cell, [0, 0])
            held[0] += 1
            held[1] += event.data.total.amount
            changed.add(cell)
        finished = progress.seen(len(messages))
        if finished or time.monotonic() >= next_commit:
            for cell in changed:
                producer.produce(changelog, encode(sums[cell]), f"{cell[0]}|{cell[1]}")
            producer.flush()
            changed.clear()
            consumer.commit(asynchronous=False)
            next_commit = time.monotonic() + COMMIT_SECONDS
    progress.show(len(sums), sum(amount for _, amount in sums.values()))
    consumer.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
