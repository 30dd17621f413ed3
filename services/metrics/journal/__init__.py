"""The compact journal: exactly-once counts without a document per event."""

SERVICE = "metrics"
