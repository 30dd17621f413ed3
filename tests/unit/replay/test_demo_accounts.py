"""The demo reads, redeems and checks accounts over HTTP."""

import json
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from threading import Thread
from typing import Any

import pytest

from rapport.client import Client
from rapport.demo.check import Account, Difference, account_of, check, compare, untimely
from rapport.demo.oracle import Expected
from rapport.demo.redeem import Redeemed, choose, redeem_some
from rapport.demo.tally import Moment
from rapport.trouble import TroubleError

from .parts import KINDS, RIGHT, day

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
    with client("http://127.0.0.1:1") as lost, pytest.raises(TroubleError, match="does not answer"):
        lost.get("loyalty", "/members/a")
    with client(url) as reader, pytest.raises(TroubleError, match="404"):
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
