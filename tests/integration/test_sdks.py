"""What CloudEvents' own SDKs write takes effect on the running platform, over HTTP and Kafka."""

from http.client import HTTPConnection
from urllib.parse import urlsplit

from confluent_kafka import Producer

from tests.contract.sdks.messages import MESSAGES, Message
from tests.stack import Stack


def send(stack: Stack, message: Message) -> None:
    if message.transport == "kafka":
        topic = "customers" if message.name.endswith("nothing") else "purchases"
        # Unlike kafka-python it writes headers without a value, as kafkajs does.
        producer = Producer(
            {"bootstrap.servers": stack.env["RAPPORT_KAFKA"], "partitioner": "murmur2_random"}
        )
        producer.produce(topic, message.body, message.subject, headers=[*message.headers])
        assert producer.flush(20) == 0
        return
    connection = HTTPConnection(urlsplit(stack.env["RAPPORT_INTERACTIONS_URL"]).netloc, timeout=30)
    try:
        connection.putrequest("POST", "/events")
        connection.putheader("X-API-Key", stack.env["RAPPORT_API_KEY"])
        connection.putheader("Content-Length", str(len(message.body or b"")))
        for name, value in message.headers:
            connection.putheader(name, value or b"")
        connection.endheaders(message.body)
        answer = connection.getresponse()
        assert answer.status == 202, (message, answer.read())
    finally:
        connection.close()


def test_what_sdks_write_takes_effect_and_keeps_its_extensions(stack: Stack) -> None:
    for message in MESSAGES:
        send(stack, message)
    buyers = [message.subject for message in MESSAGES if not message.name.endswith(("nothing", "batch"))]
    buyers += ["golang-http-batch-1", "golang-http-batch-2"]
    stack.settle(60)
    for customer in buyers:
        assert stack.balance(customer) == 12
        (row,) = [
            item
            for item in stack.pages("interactions", f"/customers/{customer}/timeline?limit=50")
            if item["type"] == "rapport.purchase.made.v1"
        ]
        assert row["data"]["total"] == {"amount": 1299, "currency": "EUR"}
        assert str(row["extensions"]["sequence"]) == "7"
        assert "Nord" in row["extensions"]["region"]
    subjects = {message.subject.encode() for message in MESSAGES}
    dead = [r for topic in ("customers", "purchases") for r in stack.records(f"{topic}.dlq")]
    assert [r for r in dead if r.key in subjects] == []
