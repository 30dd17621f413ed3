"""Messages: the book of what was made and what became of it, and how they go out."""

from deploy.grafana.figures import Board, Choice, Figure, Row, Shape
from deploy.grafana.kpis import rows
from deploy.grafana.promql import quantile, rate
from deploy.grafana.usual import counted, figure, latest, spread

BOOK = "rapport_outreach_book"
SENT = "rapport_deliveries_total"
RULE = '{rule=~"$rule"}'
NO_WEBHOOK = "Without a webhook there is nothing to tell."


def board() -> Board:
    return Board(
        uid="rapport-outreach",
        title="Rapport: outreach",
        meaning="What was planned for customers, what reached them, what was held back, and why.",
        rows=(
            *rows("outreach"),
            Row("The book of messages", _book()),
            Row("Sending", _sending()),
            Row("Mail", _mail()),
            Row("Webhook", _webhook()),
        ),
        choices=(Choice("rule", BOOK, "Rule"),),
        since="now-24h",
    )


def _book() -> tuple[Figure, ...]:
    unit, unknown = "suffix: messages", "rapport_outreach_unbalanced"
    outcomes = (f"sum by (outcome) (max by (rule, outcome) ({BOOK}{RULE}))", "outcome")
    planned = '{outcome="planned", rule=~"$rule"}'
    return (
        figure("What became of messages", BOOK, unit, outcomes, shape=Shape.BARS),
        latest("Planned, by rule", BOOK, unit, "rule", planned, Shape.BARS),
        latest("Messages unaccounted for", unknown, unit, "rule", RULE, runbook="RapportOutreachUnbalanced"),
    )


def _sending() -> tuple[Figure, ...]:
    by, unit = "channel, result", "suffix: messages/min"
    sent = (f"60 * {rate(SENT, by)}", by)
    return (
        figure("Messages by what became of them", SENT, unit, sent, runbook="RapportOutreachInDoubt"),
        counted("Marketing held back", "rapport_outreach_pauses_total", "why"),
    )


def _mail() -> tuple[Figure, ...]:
    connected, failed = "rapport_smtp_connected", "rapport_smtp_connect_failures_total"
    none = " or on () vector(0)"
    return (
        spread("Seconds to hand a mail over", "rapport_smtp_send_seconds"),
        figure("Connections to the mail server", connected, "short", (f"sum ({connected})", "connections")),
        counted("Failed connections", failed, runbook="RapportDependencyAway"),
        counted("Mails that came back", "rapport_returns_total", "what, result", none=none),
    )


def _webhook() -> tuple[Figure, ...]:
    broken, seconds = "rapport_webhook_broken", "rapport_webhook_send_seconds"
    left = (f"max by (channel) ({broken}) or on () vector(0)", "channel")
    high = (f"{quantile(0.99, seconds, 'channel')} or on () vector(NaN)", "channel")
    return (
        figure("Left alone for its failures", broken, "bool_yes_no", left, also=NO_WEBHOOK),
        figure("Seconds until it has answered, p99", seconds, "s", high, also=NO_WEBHOOK),
    )
