"""What APIs count of the webhooks that come in."""

from collections.abc import Iterable

from prometheus_client import Counter

HOOKS = Counter(
    "rapport_hooks_total",
    "Webhooks that came in. hook: shopify, woocommerce, chat, delivery (followup's), or the name of a mapped "
    "one. result: accepted (its events are in the log), left_out (a test, a draft, a ping, about nobody, or "
    "refused), unknown_topic, bad_signature, stale (signed, but not within five minutes of now), malformed, "
    "too_large. Of the API.",
    ["hook", "result"],
)
HOOK_RESULTS = ("accepted", "left_out", "unknown_topic", "bad_signature", "stale", "malformed", "too_large")


def begin_hooks(names: Iterable[str]) -> None:
    """An API's counters of these webhooks at 0."""
    for name in names:
        for result in HOOK_RESULTS:
            HOOKS.labels(name, result)
