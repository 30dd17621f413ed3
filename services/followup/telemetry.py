"""The metrics of messages, whatever the channel; those of a channel are with it, in ``channels/``. Counters
are the worker's, gauges the API's."""

from collections.abc import Iterable, Mapping

from prometheus_client import Counter, Gauge

from services.followup.domain.results.book import Account, Place, total
from shared.runtime.telemetry import RETRIES

DELIVERIES = Counter(
    "rapport_deliveries_total",
    "Messages by what became of them. result: sent (it was taken), failed (refused for good, or a row that "
    "nobody can read), in_doubt (may have arrived; only service messages go again), stale (too late to "
    "be sent), deferred (refused for now, tried again later).",
    ["channel", "result"],
)

RETURNS = Counter(
    "rapport_returns_total",
    "Mails that came back, by what they say and what became of that. result: reported, unknown (of no "
    "message that is known), ignored (no report, or one of a delay).",
    ["what", "result"],
)

PAUSES = Counter(
    "rapport_outreach_pauses_total",
    "Times that a rule's marketing to a mail domain was held back, by why: bounces, complaints.",
    ["why"],
)
BOOK = Gauge(
    "rapport_outreach_book",
    "Messages that are due in the days that are shown, by rule and by outcome: planned, sent, suppressed, "
    "cancelled, failed, in_doubt, waiting. Each replica of the API shows the same: take max.",
    ["rule", "outcome"],
)
UNBALANCED = Gauge(
    "rapport_outreach_unbalanced",
    "Messages of which the book says too little or too much: planned, and known to be nowhere, or in two "
    "places; the sum of each day's. 0, or something is wrong. Each replica of the API shows the same: "
    "take max.",
    ["rule"],
)
RESULTS = ("sent", "failed", "in_doubt", "stale", "deferred")
WHYS = ("bounces", "complaints")
OUTCOMES = ("planned", "sent", "suppressed", "cancelled", "failed", "in_doubt", "waiting")


def begin(channel: str, dependency: str) -> None:
    """A channel's counters at 0: then a first one is a step that ``increase()`` sees."""
    for result in RESULTS:
        DELIVERIES.labels(channel, result)
    for why in WHYS:
        PAUSES.labels(why)
    RETRIES.labels("followup", dependency)


def show(accounts: Mapping[Place, Account], rules: Iterable[str] = ()) -> None:
    """Set every gauge; these rules have some even while they have no messages."""
    by_rule: dict[str, list[Account]] = {rule: [] for rule in rules}
    for (rule, _), account in accounts.items():
        by_rule.setdefault(rule, []).append(account)
    BOOK.clear()
    UNBALANCED.clear()
    for rule, listed in by_rule.items():
        of_rule = total(listed)
        for outcome in OUTCOMES:
            BOOK.labels(rule, outcome).set(getattr(of_rule, outcome))
        UNBALANCED.labels(rule).set(sum(abs(account.difference) for account in listed))
