"""The demo's parts, each by itself: what is checked, waited for, counted, chosen and told."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from random import Random
from threading import Thread
from typing import Any

import msgspec
import pytest
from rich.console import Console

from rapport.demo.check import Account, Difference, account_of, check, compare, untimely
from rapport.demo.client import Client
from rapport.demo.live import Board, score
from rapport.demo.oracle import Expected
from rapport.demo.redeem import Redeemed, choose, redeem_some
from rapport.demo.settle import GROUPS, Left, Settling, unread
from rapport.demo.stack import DemoStack
from rapport.demo.stories import Storyteller
from rapport.demo.summary import show_differences, show_summary
from rapport.demo.tally import Moment, Tally
from rapport.lag import Lag
from rapport.replay.completejourney import Basket
from rapport.replay.feed import Progress
from rapport.replay.record import record
from rapport.trouble import Trouble
from shared.schemas.envelope import Envelope

START = datetime(2017, 1, 1, tzinfo=UTC)
RIGHT = Expected(balance=7, tier="silver", earned=20, reversed=3, redeemed=5, expired=5)
KINDS = Counter({"earned": 20, "reversed": -3, "redeemed": -5, "expired": -5})


def day(days: float) -> datetime:
    return START + timedelta(days=days)


# The check


def test_an_account_that_is_as_expected_has_no_difference() -> None:
    assert compare("a", Account("a", 7, "silver", KINDS), RIGHT) == []


@pytest.mark.parametrize(
    ("account", "whats"),
    [
        (None, {"member"}),
        (Account("a", 8, "silver", KINDS), {"balance"}),
        (Account("a", 7, "gold", KINDS), {"tier"}),
        (Account("a", 7, "silver", Counter({**KINDS, "earned": 21})), {"sum of the ledger", "points earned"}),
        (
            Account("a", 7, "silver", Counter({**KINDS, "earned": 21, "expired": -6})),
            {"points earned", "points expired"},
        ),
        (
            Account("a", 7, "silver", Counter({**KINDS, "adjusted": 1})),
            {"sum of the ledger", "points adjusted"},
        ),
    ],
)
def test_any_difference_is_found(account: Account | None, whats: set[str]) -> None:
    assert {difference.what for difference in compare("a", account, RIGHT)} == whats


def test_the_ledger_is_summed_by_kind() -> None:
    entries = [
        {"kind": kind, "points": points} for kind, points in (("earned", 5), ("earned", 6), ("expired", -5))
    ]
    account = account_of("a", {"balance": 6, "tier": "bronze"}, entries)
    assert (account.ledger, account.kinds["earned"]) == (6, 11)


def test_a_win_back_to_somebody_who_just_bought_is_found() -> None:
    bought = {"a": [day(0), day(20)], "b": [day(0)], "c": [day(0), day(59.9)]}
    moments = {
        "a": [
            Moment(day(80), "sent", "win-back", due=day(80)),
            Moment(day(60), "sent", "win-back", due=day(60)),
        ],
        "b": [
            Moment(day(60), "sent", "win-back", due=day(60)),
            Moment(day(1), "sent", "thank-you", due=day(1)),
        ],
        # Within a chunk of the replay the log may hold the topics in any order.
        "c": [Moment(day(60), "sent", "win-back", due=day(60))],
    }
    found = untimely(bought, moments)
    assert [(one.customer, one.platform) for one in found] == [("a", "due 2017-03-02 00:00")]


# A loyalty API of its own, to read over HTTP


class Api(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    members: dict[str, dict[str, Any]]
    ledgers: dict[str, list[dict[str, Any]]]
    calls: list[tuple[str, str | None, Any]]
    pending: int

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        name = path.split("/")[2] if path.startswith("/members/") else ""
        if path == "/rewards":
            self._answer(
                200, {"items": [{"reward_id": "r", "name": "R", "cost": 5, "tier": None}], "cursor": None}
            )
        elif path.endswith("/ledger"):
            # A page holds one entry.
            entries, at = (
                self.ledgers[name],
                int(query.rpartition("cursor=")[2] or 0) if "cursor" in query else 0,
            )
            following = str(at + 1) if at + 1 < len(entries) else None
            self._answer(200, {"items": entries[at : at + 1], "cursor": following})
        elif name in self.members:
            self._answer(200, self.members[name])
        else:
            self._answer(404, {"code": "unknown_member"})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.calls.append((self.path, self.headers["idempotency-key"], body))
        if self.headers["x-api-key"] != "k":
            self._answer(401, {})
        elif len(self.calls) <= self.pending:
            self._answer(202, {})
        else:
            self._answer(201 if body["reward_id"] == "r" else 409, {"code": "no"})

    def _answer(self, status: int, body: Any) -> None:
        raw = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def api() -> Any:
    entries = [{"kind": "earned", "points": 20}, {"kind": "expired", "points": -5}]
    handler = type(
        "Handler",
        (Api,),
        {
            "members": {"a": {"customer_id": "a", "balance": 15, "tier": "bronze"}},
            "ledgers": {"a": entries},
            "calls": [],
            "pending": 0,
        },
    )
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield handler, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def client(url: str) -> Client:
    names = ("INTERACTIONS", "LOYALTY", "FOLLOWUP", "METRICS")
    return Client({f"RAPPORT_{name}_URL": url for name in names} | {"RAPPORT_API_KEY": "k"})


def test_members_are_read_page_by_page_and_checked(api: Any) -> None:
    _, url = api
    right = Expected(15, "bronze", 20, 0, 0, 5)
    with client(url) as reader:
        checked = check(reader, {"a": right, "b": right})
    assert [account.balance for account in checked.accounts] == [15]
    assert checked.differences == [Difference("b", "member", "none", "bronze")]


def test_nobody_there_is_trouble_and_so_is_another_answer(api: Any) -> None:
    _, url = api
    with client("http://127.0.0.1:1") as lost, pytest.raises(Trouble, match="does not answer"):
        lost.get("loyalty", "/members/a")
    with client(url) as reader, pytest.raises(Trouble, match="404"):
        reader.get("loyalty", "/members/nobody")


def test_redemptions_are_asked_again_under_their_key_until_they_are_known(
    api: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    handler, url = api
    handler.pending = 2
    monkeypatch.setattr("rapport.demo.redeem.SHARE", 1.0)
    monkeypatch.setattr("rapport.demo.redeem.PAUSE_S", 0.0)
    with client(url) as caller:
        assert redeem_some(caller, ["a"], 1) == [Redeemed("a", "r", "R", 5)]
    assert handler.calls == [("/members/a/redemptions", "demo-1-a", {"reward_id": "r"})] * 3


REWARDS = [
    {"reward_id": "small", "cost": 100, "tier": None},
    {"reward_id": "gold-only", "cost": 100, "tier": "gold"},
    {"reward_id": "dear", "cost": 1000, "tier": None},
]


@pytest.mark.parametrize(
    ("balance", "tier", "reach"),
    [
        (99, "vip", set()),
        (100, "bronze", {"small"}),
        (999, "vip", {"small", "gold-only"}),
        (1000, "silver", {"small", "dear"}),
    ],
)
def test_a_reward_is_chosen_within_points_and_tier(balance: int, tier: str, reach: set[str]) -> None:
    member = {"balance": balance, "tier": tier}
    chosen = [choose(member, REWARDS, Random(seed)) for seed in range(200)]
    assert {reward["reward_id"] for reward in chosen if reward} == reach
    assert None in chosen


# Settling


def lags(unread: int = 0, clock: bool = True) -> list[Lag]:
    rows = [Lag(group, "purchases", 0, 10 - unread, 10, unread) for group in sorted(GROUPS)]
    return rows + [Lag(group, "clock", 0, 1 if clock else None, 1, 0) for group in sorted(GROUPS)]


def test_nothing_is_left_when_all_is_read_by_every_group() -> None:
    assert not unread(lags(), clock_told=True)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (lags(unread=1), "4 records unread"),
        (lags(clock=False), "clock"),
        ([row for row in lags() if row.topic != "clock"], "clock"),
        ([row for row in lags() if row.group != "rapport-metrics"], "no offsets of rapport-metrics"),
        ([], "no offsets"),
    ],
)
def test_what_is_left_is_named(rows: list[Lag], words: str) -> None:
    left = unread(rows, clock_told=True)
    assert left
    assert words in str(left)


class Script(Settling):
    """Answers from a list, the last one for ever."""

    def __init__(self, answers: list[Left]) -> None:
        self.answers = answers
        self.asked = 0

    def left(self, clock: datetime | None) -> Left:
        self.asked += 1
        return self.answers[min(self.asked, len(self.answers)) - 1]


def left(count: int, **more: bool) -> Left:
    return Left(dict.fromkeys(GROUPS, count), dict.fromkeys(GROUPS, 10), **more)


def test_it_waits_until_nothing_is_left_twice_in_a_row() -> None:
    script = Script([left(5), left(0), left(0, messages=True), left(0), left(0), left(7)])
    told: list[str] = []
    script.wait(None, told=lambda one: told.append(str(one)), sleep=lambda _: None)
    assert told == ["20 records unread", "nothing", "messages", "nothing", "nothing"]


def test_a_platform_that_stands_still_is_trouble() -> None:
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    with pytest.raises(Trouble, match=r"stands still .*8 records unread"):
        Script([left(9), left(2)]).wait(None, stalled_s=30, now=lambda: now[0], sleep=sleep)
    assert 30 < now[0] < 35


# Counting what was announced


def fact(id: str, kind: str, customer: str = "a", at: float = 0, **data: Any) -> Envelope:
    return Envelope(
        specversion="1.0",
        id=id,
        source="/rapport/x",
        type=f"rapport.{kind}.v1",
        subject=customer,
        time=day(at),
        data=msgspec.Raw(json.dumps(data).encode()),
    )


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
        fact("5", "outreach.sent", at=4, rule="thank-you"),
        fact("6", "outreach.suppressed", rule="thank-you", reason="no_consent"),
        fact("7", "member.enrolled", customer="b"),
    ):
        tally.add(one)
    assert tally.points == {"earned": 20, "expired": -5}
    assert tally.balances == {"a": 15}
    assert tally.tiers == {"a": "silver", "b": "bronze"}
    assert tally.outreach == {("sent", "thank-you"): 1, ("suppressed", "thank-you"): 1}
    assert tally.reasons == {"no_consent": 1}
    assert tally.moments["a"] == [
        Moment(day(3), "tier", "silver", "bronze"),
        Moment(day(4), "sent", "thank-you"),
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
        "hh-3": [Moment(day(62), "sent", "win-back")],
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


# The stack


def test_the_stack_has_a_home_of_its_own_and_nothing_of_another_platform(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAPPORT_KAFKA", "elsewhere:9092")
    monkeypatch.setenv("RAPPORT_HOME", "/elsewhere")
    monkeypatch.setenv("RAPPORT_PARTITIONS", "2")
    environ = DemoStack(tmp_path / "demo").environ
    ours = {name: value for name, value in environ.items() if name.startswith("RAPPORT_")}
    assert ours == {
        "RAPPORT_HOME": str(tmp_path / "demo"),
        "RAPPORT_CLOCK": "stream",
        "RAPPORT_PARTITIONS": "2",
    }


def test_a_stack_that_does_not_run_is_trouble(tmp_path: Path) -> None:
    stack = DemoStack(tmp_path / "demo")
    assert not stack.running
    stack.stop()
    with pytest.raises(Trouble, match="does not run"):
        stack.env  # noqa: B018
