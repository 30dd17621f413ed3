"""The metrics of sending, whatever the channel; those of a channel are with it, in ``channels/``."""

from prometheus_client import Counter

DELIVERIES = Counter(
    "rapport_deliveries_total",
    "Messages by what became of them. result: sent (it was taken), failed (refused for good, or a row that "
    "nobody can read), in_doubt (may have been sent before a crash; never tried again), stale (too late to "
    "be sent), deferred (refused for now, tried again later).",
    ["channel", "result"],
)
