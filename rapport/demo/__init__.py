"""The demo: a grocer's year through the whole platform, checked against a recomputation of its own."""
