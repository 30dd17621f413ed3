"""What Prometheus asks, records and warns of."""
