"""The parts that a laptop needs in place of a cluster: Apache Kafka, a MongoDB-wire server, SMTP."""
