"""The compact journal: exactly-once counts without a document an event."""
