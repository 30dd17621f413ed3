"""Messages: the book of what was made and what became of it, and how they go out."""

from deploy.grafana.declared import meaning
from deploy.grafana.figures import Board, Choice, Figure, Row, Shape
from deploy.grafana.kpis import rows

BOOK = "rapport_outreach_book"
SENT = "rapport_deliveries_total"
SECONDS = "rapport_smtp_send_seconds"


def board() -> Board:
    return Board(
        uid="rapport-outreach",
        title="Rapport: outreach",
        meaning="What was planned for customers, what reached them, what was held back, and why.",
        rows=(*rows("outreach"), _book(), _sending(), _mail()),
        choices=(Choice("rule", BOOK, "Rule"),),
        since="now-24h",
    )


def _book() -> Row:
    return Row(
        "The book of messages",
        (
            Figure(
                title="What became of messages",
                meaning=meaning(BOOK),
                unit="suffix: messages",
                queries=(
                    (f'sum by (outcome) (max by (rule, outcome) ({BOOK}{{rule=~"$rule"}}))', "{{outcome}}"),
                ),
                shape=Shape.BARS,
            ),
            Figure(
                title="Planned, by rule",
                meaning=meaning(BOOK),
                unit="suffix: messages",
                queries=((f'max by (rule) ({BOOK}{{outcome="planned", rule=~"$rule"}})', "{{rule}}"),),
                shape=Shape.BARS,
            ),
            Figure(
                title="Messages unaccounted for",
                meaning=meaning("rapport_outreach_unbalanced"),
                unit="suffix: messages",
                queries=(('max by (rule) (rapport_outreach_unbalanced{rule=~"$rule"})', "{{rule}}"),),
                document="runbooks.md#rapportoutreachunbalanced",
            ),
        ),
    )


def _sending() -> Row:
    return Row(
        "Sending",
        (
            Figure(
                title="Messages by what became of them",
                meaning=meaning(SENT),
                unit="suffix: messages/min",
                queries=(
                    (
                        f"60 * sum by (channel, result) (rate({SENT}[$__rate_interval]))",
                        "{{channel}} {{result}}",
                    ),
                ),
                document="runbooks.md#rapportoutreachindoubt",
            ),
            Figure(
                title="Marketing held back",
                meaning=meaning("rapport_outreach_pauses_total"),
                unit="short",
                queries=(
                    ("sum by (why) (increase(rapport_outreach_pauses_total[$__rate_interval]))", "{{why}}"),
                ),
            ),
            Figure(
                title="Webhook that is left alone",
                meaning=meaning("rapport_webhook_broken") + " No line but 0 where there is no webhook.",
                unit="bool_yes_no",
                queries=(("max by (channel) (rapport_webhook_broken) or on () vector(0)", "{{channel}}"),),
            ),
        ),
    )


def _mail() -> Row:
    return Row(
        "Mail",
        (
            Figure(
                title="Seconds to hand a mail over",
                meaning=meaning(SECONDS),
                unit="s",
                queries=tuple(
                    (f"histogram_quantile({q}, sum by (le) (rate({SECONDS}_bucket[$__rate_interval])))", name)
                    for q, name in (("0.5", "p50"), ("0.99", "p99"))
                ),
            ),
            Figure(
                title="Connections to the mail server",
                meaning=meaning("rapport_smtp_connected"),
                unit="short",
                queries=(("sum(rapport_smtp_connected)", "connections"),),
            ),
            Figure(
                title="Failed connections",
                meaning=meaning("rapport_smtp_connect_failures_total"),
                unit="short",
                queries=(
                    ("sum(increase(rapport_smtp_connect_failures_total[$__rate_interval]))", "failures"),
                ),
                document="runbooks.md#rapportdependencyaway",
            ),
            Figure(
                title="Mails that came back",
                meaning=meaning("rapport_returns_total"),
                unit="short",
                queries=(
                    (
                        "sum by (what, result) (increase(rapport_returns_total[$__rate_interval])) "
                        "or on () vector(0)",
                        "{{what}} {{result}}",
                    ),
                ),
            ),
        ),
    )
