"""Publishing to Kafka, and which partition a key is on."""
