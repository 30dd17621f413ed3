"""Feeding recorded events in: data sets and JSON lines, in order, to Kafka or to a file."""
