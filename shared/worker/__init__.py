"""The record loop: from Kafka to batches in the order of time, for any processor."""
