"""The exactly-once processor over MongoDB, and its test kit in memory (``testing``)."""
