"""The metrics of sending, each with its meaning."""

from prometheus_client import Counter, Gauge, Histogram

DELIVERIES = Counter(
    "rapport_deliveries_total",
    "Messages by what became of them. result: sent (the server took it), failed (refused for good), "
    "in_doubt (may have been sent before a crash; never tried again), stale (too late to be sent), "
    "deferred (refused for now, tried again later).",
    ["channel", "result"],
)
SMTP_CONNECTED = Gauge("rapport_smtp_connected", "1 while there is a connection to the SMTP server.")
SMTP_OUTAGES = Counter(
    "rapport_smtp_connect_failures_total", "Failed attempts to connect to the SMTP server."
)
SEND_SECONDS = Histogram(
    "rapport_smtp_send_seconds",
    "Seconds to hand a message to the SMTP server.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
