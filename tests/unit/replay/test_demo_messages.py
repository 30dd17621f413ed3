"""The demo's table of a customer's messages: sent, refused and why, and when they could go."""

from datetime import UTC, datetime, timedelta
from typing import Any, get_args

from rich.console import Console

from rapport.demo.messages import ENDS, MOST_LINES, REASONS, lines, most_telling, show_messages
from services.followup.models.outreach import OutreachAnswer, Status
from shared.schemas.outreach import SuppressionReason

DAY = timedelta(days=1)
START = datetime(2017, 3, 1, 12, tzinfo=UTC)


def message(day: int, rule: str = "thank-you", status: str = "sent", **told: Any) -> OutreachAnswer:
    at = START + day * DAY
    base = {"outreach_id": f"o-{day}-{rule}", "rule": rule, "template": rule, "purpose": "marketing"}
    base |= {"channel": "email", "status": status, "due_at": at, "updated_at": at}
    return OutreachAnswer.model_validate({**base, **told})


def refused(day: int, reason: str, detail: str | None, rule: str = "thank-you") -> OutreachAnswer:
    ends = START + 30 * DAY
    return message(day, rule, "suppressed", reason=reason, error=detail, next_at=ends)


YEAR = [
    message(0),
    *(refused(day, "duplicate", "thank-you goes once in 30d") for day in range(1, 9)),
    refused(9, "open_complaint", "k-0001 is open", "win-back"),
    message(31),
    refused(40, "frequency_cap", "4 in 30d", "anniversary"),
    message(50, "win-back", "cancelled", reason="condition_unmet"),
]


class Service:
    """Answers as followup's API does: in pages, the latest first."""

    def items(self, service: str, path: str) -> list[dict[str, Any]]:
        assert (service, path) == ("followup", "/customers/c-1/outreach?limit=100")
        return [one.model_dump(mode="json") for one in reversed(YEAR)]


def test_refusals_for_the_same_are_one_line() -> None:
    shown = [(line.rule, line.end, line.times, line.why) for line in lines(YEAR)]
    assert shown == [
        ("thank-you", "sent", 1, ""),
        ("thank-you", "not sent", 8, "too soon again, or said already: thank-you goes once in 30d"),
        ("win-back", "not sent", 1, "a complaint is open: k-0001 is open"),
        ("thank-you", "sent", 1, ""),
        ("anniversary", "not sent", 1, "enough messages for now: 4 in 30d"),
        ("win-back", "taken back", 1, "it does not apply"),
    ]
    asked = refused(60, "condition_unmet", "if: purchases.count > 5")
    assert [line.why for line in lines([asked])] == ["it does not apply"]


def test_it_reads_well_at_80_columns() -> None:
    console = Console(width=80, record=True, force_terminal=False)
    show_messages(console, Service(), {"c-1": "Ada Byron, the climber"})
    text = console.export_text()
    assert all(len(line) <= 80 for line in text.splitlines())
    assert "Ada Byron, the climber (c-1): 13 messages, 2 sent" in text
    assert "02 Mar 17   thank-you     not sent (8 times): too soon again" in text
    assert "31 Mar 17" in text


def test_the_one_who_tells_most_is_shown() -> None:
    assert most_telling({"a": YEAR[:1], "b": YEAR, "c": []}) == "b"
    assert most_telling({"c": []}) is None


def test_what_is_too_much_goes_where_it_was_told_before() -> None:
    year = [message(day) for day in range(60)] + [refused(70, "stale", None)]
    shown = lines(year)
    assert (len(shown), shown[-1].why) == (MOST_LINES, "too late to say it")


def test_every_end_and_reason_has_words() -> None:
    assert set(ENDS) == set(get_args(Status))
    assert set(REASONS) == set(get_args(SuppressionReason))
