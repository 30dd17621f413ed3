"""The copies that ``rapport topics grow`` makes. Pure."""

from collections.abc import Iterator, Mapping, Sequence

from msgspec import structs

from rapport.growth import targets
from rapport.topics import Growth
from shared.kafka.clients import KafkaRecord, TopicPartition
from shared.schemas.topics import TOPICS
from shared.worker.intake import FORWARDED, GROWN


def copies(
    logs: Mapping[TopicPartition, Sequence[KafkaRecord]], growth: Growth
) -> Iterator[tuple[int, KafkaRecord]]:
    """Where to, and the record with its marks; those of each partition in their order."""
    when = max((record.stamp for log in logs.values() for record in log), default=0) + 1
    for (topic, partition), log in sorted(logs.items()):
        for record in log if topic in TOPICS and partition < growth.before else ():
            for to in targets(growth, topic, partition, record.key, record.headers):
                marks = (
                    (FORWARDED, f"{partition}/{record.offset}".encode()),
                    (GROWN, f"{growth.after}@{when}/{partition}".encode()),
                )
                yield to, structs.replace(record, headers=(*record.headers, *marks))
