"""``rapport doctor`` on real parts: what it says of those that are well, and of those that are not."""

from collections.abc import Iterator

import pytest

from rapport.doctor.examine import examine
from rapport.doctor.finding import Finding
from rapport.embedded import mongo
from rapport.embedded.stack import start_mongo, start_smtp
from rapport.home import Home
from tests.secured import ELSEWHERE, EXPIRED, SASL, SecuredKafka, secured_kafka


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredKafka]:
    with secured_kafka(Home(tmp_path_factory.mktemp("kafka"))) as running:
        yield running


@pytest.fixture(scope="module")
def around(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A store and a mail server."""
    folder = tmp_path_factory.mktemp("around")
    with start_mongo(Home(folder / "store")) as store, start_smtp(Home(folder / "mail")) as mail:
        yield {
            "RAPPORT_HOME": str(folder / "nothing"),
            "RAPPORT_MONGO": mongo.uri(store.port),
            "RAPPORT_SMTP_HOST": "127.0.0.1",
            "RAPPORT_SMTP_PORT": str(mail.port),
        }


def found(env: dict[str, str]) -> dict[tuple[str, str], Finding]:
    return {(one.part, one.name): one for one in examine(env)}


def test_what_is_well_is_said_to_be(kafka: SecuredKafka, around: dict[str, str]) -> None:
    told = found(around | kafka.env())
    address = kafka.address(SASL)
    for key in (
        ("broker", address),
        ("broker", "version"),
        ("topics", "topics"),
        ("store", "version"),
        ("store", "replica set"),
        ("store", "transactions"),
        ("clocks", "broker"),
        ("clocks", "store"),
        ("mail", f"127.0.0.1:{around['RAPPORT_SMTP_PORT']}"),
    ):
        assert told[key].state == "ok", told[key]
    assert told["certificates", address].said.startswith(("29 days", "30 days"))
    assert told["services", "loyalty worker"].state == "bad"  # nobody runs it here
    assert told["services", "loyalty API"].state == "skipped"


def test_what_is_not_is_said_with_what_to_do(kafka: SecuredKafka, around: dict[str, str]) -> None:
    away = {"RAPPORT_MONGO": "mongodb://127.0.0.1:1/?directConnection=true", "RAPPORT_SMTP_PORT": "1"}
    urls = {"RAPPORT_LOYALTY_URL": "http://127.0.0.1:1"}
    told = found(around | kafka.env() | {"RAPPORT_KAFKA_PASSWORD": "another"} | away | urls)
    broker = told["broker", kafka.address(SASL)]
    assert (broker.state, "RAPPORT_KAFKA_PASSWORD" in broker.said) == ("bad", True)
    store = told["store", "127.0.0.1:1"]
    assert (store.state, "RAPPORT_MONGO" in store.do) == ("bad", True)
    assert told["mail", "127.0.0.1:1"].state == "bad"
    assert told["services", "loyalty API"].state == "bad"


@pytest.mark.parametrize(("listener", "words"), [(EXPIRED, "expired"), (ELSEWHERE, "not valid for")])
def test_a_bad_certificate_is_named(
    kafka: SecuredKafka, around: dict[str, str], listener: str, words: str
) -> None:
    told = found(around | kafka.env(listener))
    address = kafka.address(listener)
    for key in (("broker", address), ("certificates", address)):
        assert (told[key].state, words in told[key].said) == ("bad", True)


def test_topics_that_are_not_as_they_should_be_are_named(kafka: SecuredKafka, around: dict[str, str]) -> None:
    told = found(around | kafka.env() | {"RAPPORT_PARTITIONS": "5"})
    topics = told["topics", "topics"]
    assert (topics.state, "rapport topics grow 5" in topics.do) == ("bad", True)
