"""The metrics of mail that comes in."""

from prometheus_client import Counter, Gauge

RESULTS = (
    "message", "complaint", "automatic", "report",
    "ignored", "unknown_report", "own", "loop", "list", "nobody", "unreadable", "later",
)  # fmt: skip

MAILS = Counter(
    "rapport_mails_total",
    "Mails that were handed in, by what they came to: message, complaint, automatic (a program's, of "
    "somebody known), report (handed to followup); and, with nothing told: ignored (a program's), "
    "unknown_report, own, loop, list, nobody, unreadable, later (the mail server keeps it).",
    ["result"],
)
CONNECTIONS = Gauge("rapport_mail_connections", "Connections by which mail is handed in.")

for _result in RESULTS:
    MAILS.labels(_result)
