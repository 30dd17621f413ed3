"""The reference page of the log's lines: they are read off the code, what to do about one is said here."""

from collections.abc import Mapping

from shared.schemas.services import SERVICES
from tools.said import Line, log_lines

WAITS = "Nothing: it is tried again. If it goes on, look at what `error` names."
PASSES = (
    "Nothing: it belongs to a rebalance, and what was not committed is done by who has the partitions then."
)
FAULT = "A fault of the code or of the data: report it with the trace behind it."
DO: Mapping[str, str] = {
    "ended by an error": FAULT + " The process starts anew.",
    "a thread ended by an error": FAULT,
    "an error that nobody can catch": FAULT,
    "request failed": FAULT + " The caller was answered 500 with the `request_id` of this line.",
    "a warning": "Of a library, by a file and a line; report it.",
    "an erasure waits": WAITS + " The alert is [RapportErasureWaits](../runbooks.md#rapporterasurewaits).",
    "broker_unavailable": "A caller was answered 503. See whether Kafka is there: `rapport doctor`.",
    "store_unavailable": "A caller was answered 503. See whether MongoDB is there: `rapport doctor`.",
    "closed with records under way": "Nothing: whoever sent them was not answered, and sends them again.",
    "commit not sent: …": WAITS,
    "dead letter": "An event was set aside: `rapport dlq list`, then mend it and `rapport dlq replay`.",
    "fenced": "Another worker has the partitions; see [RapportFenced](../runbooks.md#rapportfenced).",
    "given up as the partitions go": PASSES,
    "let go without a last write": PASSES,
    "not this worker's any more": PASSES,
    "issuer_unavailable": "Look at `RAPPORT_JWKS_URL` and the way to it; `rapport doctor` asks it.",
    "nobody can call: set RAPPORT_API_KEY, RAPPORT_API_KEYS or a JWT key": "Set one of them.",
    "not refreshed": WAITS + " What it shows is older meanwhile.",
    "open transactions are waited for": "A worker was killed while it wrote. Its transactions end by "
    "themselves; the partitions wait until then.",
    "the audit trail waits": WAITS,
    "the consumer did not leave its group": "Nothing: its partitions go to others after the session timeout.",
    "the consumer is made anew": WAITS,
    "the producer is replaced": WAITS,
    "waiting for a dependency": "It goes on by itself. `dependency` and `error` say who is away and why; "
    "[RapportDependencyAway](../runbooks.md#rapportdependencyaway).",
    "export failed": FAULT + " Who asked for the export is told.",
    "export not told to have failed": "Nothing: it is made anew when it is asked for again.",
    "a connection for mail failed": "Nothing, if seldom: the mail server comes again.",
    "a mail cannot be read": "The mail was refused, and its sender is told so by the mail server.",
    "a mail that came back cannot be read": "Look at it where it lies; a receipt of a form that is not known "
    "changes nothing.",
    "a mail waits": WAITS + " The mail server keeps it.",
    "a shop asks for what a person must do": "A request for data or an erasure: do it by the "
    "[export or the erasure](http.md).",
    "not looked for changes": WAITS,
    "not signed in": "Somebody could not sign in to the desk; `why` says what the provider's answer lacked.",
    "the OpenID provider is away": "Nobody can sign in: `RAPPORT_OIDC_ISSUER`, and the way to it.",
    "a customer's state cannot be read": FAULT + " This customer is left out, others go on.",
    "a message cannot be read": FAULT + " This message is left out, others go on.",
    "a mail came back of which no message is known": "Nothing: it is none of ours, or too old.",
    "cannot listen for mail that comes back": "The port is taken, or may not be used; it is tried again.",
    "customers wait for new rules": WAITS,
    "mail that came back waits": WAITS,
    "marketing pauses": "Too much comes back; it goes on by itself at `until`. See "
    "[deliverability](../how-to/deliverability.md).",
    "not all of a claim could be marked": "Nothing: the others are claimed anew.",
    "sending is interrupted": WAITS,
    "cells cannot be folded": "Nothing is lost, but the store grows: report it.",
    "event cannot be counted": FAULT + " The event is set aside.",
    "figures are not watched for a minute": FAULT,
    "health not judged": FAULT + " [RapportHealthFails](../runbooks.md#rapporthealthfails).",
    "kpi not computed": "The KPI's own code: [RapportKpiFails](../runbooks.md#rapportkpifails).",
    "the events behind a figure cannot be read": "A caller was answered 503. See whether "
    "interactions answers at `RAPPORT_INTERACTIONS_URL`: `rapport doctor`.",
    "what is told of a customer cannot be kept": FAULT + " This customer is left out of the look.",
    "a clock runs ahead": "Set the clock of `source`: [RapportClockAhead](../runbooks.md#rapportclockahead).",
    "churn.alive_below does nothing: no model is fitted yet (rapport clv fit)": "Do so each night.",
    "let go without a last flush": PASSES,
    "the store is away; counting goes on in memory": WAITS,
    "the store is away; figures are not watched": WAITS,
    "the store is away; nobody is looked at": WAITS,
}
"""Of each line that warns or is worse."""
INTRODUCTION = """\
A line is a JSON object: `event` is the text below, beside `level` and the fields that are named. Customers
are in it by their ids, never by name, address or text. Where a part refuses a process at its start, the last
line is a sentence with a `code` of [these](../operating.md#tls-passwords-and-tokens).
"""


def log_page(made: str) -> str:
    """A table for what all have, and one for each service that has lines of its own."""
    parts = [made, "# Lines of the log\n", INTRODUCTION]
    for heading, folder in (
        ("All services", "shared"),
        *((name.capitalize(), _of(name)) for name in SERVICES),
    ):
        if lines := log_lines(folder):
            rows = "".join(map(_row, lines))
            parts += [
                f"## {heading}\n",
                f"| line | level | fields | what to do |\n| --- | --- | --- | --- |\n{rows}",
            ]
    return "\n".join(parts)


def _of(service: str) -> str:
    return f"services/{service}"


def _row(line: Line) -> str:
    fields = ", ".join(f"`{name}`" for name in line.fields)
    return f"| `{line.text}` | {line.level} | {fields} | {DO.get(line.text, '')} |\n"
