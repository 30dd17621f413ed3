"""The metrics of sending, whatever the channel; those of a channel are with it, in ``channels/``."""

from prometheus_client import Counter

DELIVERIES = Counter(
    "rapport_deliveries_total",
    "Messages by what became of them. result: sent (it was taken), failed (refused for good, or a row that "
    "nobody can read), in_doubt (may have been sent before a crash; never tried again), stale (too late to "
    "be sent), deferred (refused for now, tried again later).",
    ["channel", "result"],
)

RETURNS = Counter(
    "rapport_returns_total",
    "Mails that came back, by what they say and what became of that. result: reported, unknown (of no "
    "message that is known), ignored (no report, or one of a delay).",
    ["what", "result"],
)
