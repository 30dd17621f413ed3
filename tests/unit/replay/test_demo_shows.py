"""What the demo counts, tells and shows."""

from collections import Counter
from typing import Any

from rich.console import Console

from rapport.demo.check import Account, Difference
from rapport.demo.live import Board, score
from rapport.demo.redeem import Redeemed
from rapport.demo.settle import GROUPS, Left
from rapport.demo.stories import Storyteller
from rapport.demo.summary import show_differences, show_summary
from rapport.demo.tally import Moment, Tally
from rapport.replay.completejourney import Basket
from rapport.replay.feed import Progress
from rapport.replay.record import record

from .parts import KINDS, day, fact, left

# Counting what was announced


def test_facts_are_counted_once_each() -> None:
    tally = Tally()
    earned = fact("1", "points.earned", points=20, balance=20)
    for one in (
        fact("0", "member.enrolled"),
        earned,
        earned,
        fact("2", "points.expired", points=-5, balance=15),
        fact("3", "tier.changed", at=3, **{"from": "bronze", "to": "silver"}),
        fact("4", "tier.at_risk", tier="silver"),
        fact("5", "outreach.sent", at=4, rule="thank-you", channel="email"),
        fact("8", "outreach.sent", at=5, rule="call-detractor", channel="phone"),
        fact("6", "outreach.suppressed", rule="thank-you", reason="no_consent"),
        fact("7", "member.enrolled", customer="b"),
    ):
        tally.add(one)
    assert tally.points == {"earned": 20, "expired": -5}
    assert tally.balances == {"a": 15}
    assert tally.tiers == {"a": "silver", "b": "bronze"}
    assert tally.outreach == {
        ("sent", "thank-you"): 1,
        ("sent", "call-detractor"): 1,
        ("suppressed", "thank-you"): 1,
    }
    assert tally.reasons == {"no_consent": 1}
    assert tally.moments["a"] == [
        Moment(day(3), "tier", "silver", "bronze"),
        Moment(day(4), "sent", "thank-you"),
        Moment(day(5), "sent", "call-detractor", channel="phone"),
    ]


# Stories


def complaint(household: int, at: float, *steps: str) -> list[Any]:
    data = {
        "opened": {"severity": "high", "description": "spoilt"},
        "reopened": {"reason": "again"},
        "resolved": {"resolution": "replaced"},
    }
    return [
        record(
            f"complaint.{step}",
            id=f"{household}-{place}",
            source="/simulated/x",
            subject=f"hh-{household}",
            time=day(at + place),
            data={"complaint_id": "c", **data[step]},
        )
        for place, step in enumerate(steps)
    ]


def test_three_stories_of_three_customers() -> None:
    baskets = [Basket(n * 10 + k, n, day(k * 80), 1000) for n in (1, 2, 3, 4) for k in (0, 1, 2)]
    simulated = [*complaint(2, 5, "opened"), *complaint(4, 5, "opened", "resolved", "reopened", "resolved")]
    moments = {
        "hh-1": [Moment(day(1), "tier", "silver", "bronze"), Moment(day(9), "tier", "gold", "silver")],
        "hh-2": [Moment(day(1), "tier", "silver", "bronze"), Moment(day(70), "tier", "bronze", "silver")],
        "hh-3": [
            Moment(day(62), "sent", "win-back"),
            Moment(day(63), "sent", "call-detractor", channel="phone"),
        ],
        "hh-4": [Moment(day(62), "sent", "thank-you")],
    }
    redeemed = [Redeemed("hh-1", "r", "Free delivery", 100)]
    stories = Storyteller(baskets, simulated, moments, redeemed, day(300)).three()
    assert [story.customer for story in stories] == ["hh-1", "hh-4", "hh-3"]
    texts = [[text for _, text in story.lines] for story in stories]
    assert "rises from silver to gold" in texts[0]
    assert "redeems 100 points: Free delivery" in texts[0]
    assert "reopens the complaint: again" in texts[1]
    assert "gets an e-mail: win-back" in texts[2]
    assert "a colleague is asked to call: call-detractor" in texts[2]
    assert "gets an e-mail: call-detractor" not in texts[2]
    assert any(text.startswith("after 80 quiet days, a purchase") for text in texts[2])
    for story in stories:
        assert story.lines == sorted(story.lines)


def test_a_story_is_short_however_much_happened() -> None:
    baskets = [Basket(k, 1, day(k), 1000) for k in range(100)]
    moments = {"hh-1": [Moment(day(k), "sent", "thank-you") for k in range(50)]}
    simulated = [one for k in range(9) for one in complaint(1, k * 7, "opened", "resolved")]
    (story,) = Storyteller(baskets, simulated, moments, [], day(300)).three()
    assert 3 < len(story.lines) <= 12


# What is shown


def text_of(draw: Any) -> str:
    console = Console(width=200, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    with console.file:
        draw(console)
    return console.export_text()


def test_the_summary_says_what_a_person_wants_to_know() -> None:
    checked = check_of(Account("a", 7, "silver", KINDS), Account("b", 3, "bronze", Counter(earned=3)))
    tally = Tally()
    tally.add(fact("5", "outreach.sent", rule="win-back"))
    tally.add(fact("6", "outreach.suppressed", rule="win-back", reason="frequency_cap"))
    kpis = {
        "nps": 42.5,
        "repeat_purchase_rate": 0.5,
        "open_complaints": 3,
        "resolution_s": {"p50": 7200, "p90": 36000},
        "churn": None,
        "churn_reasons": [],
    }
    text = text_of(lambda console: show_summary(console, checked, tally, kpis, []))
    for words in (
        "silver",
        "outstanding",
        "10",
        "win-back",
        "frequency_cap",
        "42.5",
        "50.0%",
        "p50 2.0 h, p90 10.0 h",
    ):
        assert words in text
    assert "churn" not in text


def check_of(*accounts: Account) -> Any:
    from rapport.demo.check import Checked

    return Checked(list(accounts), [])


def test_differences_are_listed_and_the_rest_counted() -> None:
    many = [Difference(f"hh-{n}", "balance", "1", "2") for n in range(50)]
    text = text_of(lambda console: show_differences(console, many))
    assert "50 differences" in text
    assert "hh-39" in text
    assert "and 10 more" in text


def test_scores_with_and_without_their_count() -> None:
    assert [
        score(value) for value in (None, 40, 40.26, {"value": 7, "n": 1200}, {"value": None, "n": 0})
    ] == [
        "-",
        "40",
        "40.3",
        "7 (n=1,200)",
        "-",
    ]


def test_the_board_shows_progress_rates_and_what_is_left() -> None:
    now = [0.0]
    board = Board(Console(width=200), 100, Tally, clock=lambda: now[0])
    board.phase("replaying the year")
    board.progress(Progress(40, 10, day(31)))
    board.left(left(5))
    now[0] = 2.0
    board.left(Left(dict.fromkeys(GROUPS, 3), dict.fromkeys(GROUPS, 30)))
    text = text_of(lambda console: console.print(board.draw()))
    for words in ("replaying the year", "sent 40 of 100", "01 February 2017", "loyalty"):
        assert words in text
    assert text.count("10") >= len(GROUPS)
