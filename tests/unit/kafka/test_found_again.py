"""A member that holds nothing asks for its broker, once a second, whatever it is answered."""

from confluent_kafka import KafkaError, KafkaException

from shared.kafka.librdkafka_found import ANSWER_SECONDS, FoundAgain


class Asked:
    def __init__(self) -> None:
        self.asked: list[tuple[str, float]] = []

    def list_topics(self, topic: str, timeout: float) -> None:
        self.asked.append((topic, timeout))
        raise KafkaException(KafkaError(KafkaError._TRANSPORT))


def test_it_asks_once_a_second_and_no_answer_is_no_trouble() -> None:
    consumer, now = Asked(), 100.0
    found = FoundAgain("purchases", lambda: now)
    for _ in range(9):
        found.ask(consumer)
        now += 0.25
    assert consumer.asked == [("purchases", ANSWER_SECONDS)] * 3
