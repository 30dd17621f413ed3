"""Keys to partitions, as the Java client does it: positive murmur2 modulo the partition count."""

from functools import lru_cache

from aiokafka.partitioner import murmur2


@lru_cache(maxsize=200_000)
def key_hash(key: bytes) -> int:
    """The key's positive murmur2 hash, 0 to 2**31 - 1. Independent of the partition count."""
    return int(murmur2(key)) & 0x7FFFFFFF


def partition_of(key: bytes, partitions: int) -> int:
    """The partition that the Java client and its kin give this key."""
    return key_hash(key) % partitions
