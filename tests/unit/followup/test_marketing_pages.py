"""The pages for marketers: what they show, to whom, and that they need no script."""

import base64
import hashlib
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from pymongo import MongoClient
from starlette.testclient import TestClient

from services.followup.api import create_app
from services.followup.domain.results.cells import Cell
from services.followup.domain.results.report import report
from services.followup.marketing.views import Shown, overview, rule_page
from services.followup.settings import FollowupSettings

from .driver import policy

PASSWORD = "a-key-for-the-tests"
READER = "another-key"
BASIC = ("whoever", PASSWORD)
TODAY = datetime.now(UTC).date()


@pytest.fixture
def http(mongo_uri: str) -> Iterator[TestClient]:
    keys = {"reader": {"key_sha256": hashlib.sha256(READER.encode()).hexdigest(), "scopes": []}}
    told = {"kafka": "127.0.0.1:1", "mongo": mongo_uri, "secret_key": "a secret of more than 16"}
    settings = FollowupSettings.model_validate({**told, "api_key": PASSWORD, "api_keys": keys})
    with MongoClient[dict[str, Any]](mongo_uri, tz_aware=True) as client:
        results = client["rapport_followup"]["results"]
        results.delete_many({})
        for days, sums in (
            (1, {"planned": 10, "sent": 6, "suppressed_no_consent": 3, "suppressed_stale": 1, "answered": 2}),
            (-2, {"planned": 7, "suppressed_erased": 2}),
        ):
            key = f"thank-you|{TODAY - timedelta(days=days):%Y-%m-%d}||"
            results.insert_one({"_id": f"0|{key}", "key": key, **sums})
    with TestClient(create_app(settings, policy())) as http:
        yield http


def text(html: str) -> str:
    """What is read of a page, in one line."""
    body = re.sub(r"<style>.*?</style>|<[^>]+>", " ", html, flags=re.DOTALL)
    return re.sub(r"\s+", " ", body)


def test_an_api_key_as_the_password_opens_the_pages(http: TestClient) -> None:
    refused = http.get("/marketing")
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"].startswith("Basic ")
    assert http.get("/marketing", auth=("x", "no key")).status_code == 401
    assert http.get("/marketing", headers={"Authorization": "Basic ###"}).status_code == 401
    assert http.get("/marketing", auth=("x", READER)).status_code == 403
    assert http.get("/marketing", auth=BASIC).status_code == 200
    assert http.get("/marketing", headers={"X-API-Key": PASSWORD}).status_code == 200


def test_the_overview_shows_what_came_and_what_is_planned(http: TestClient) -> None:
    shown = text(http.get("/marketing", auth=BASIC).text)
    assert "planned 10 0 still wait sent 6 60% of planned not sent 4 40% of planned" in shown
    assert "thank-you 10 6 share that was sent" not in shown
    assert re.search(r"thank-you 10 6 – 2 – no consent 30%", shown)
    assert "Nothing planned in this time: complaint-check," in shown
    calendar = shown.partition("Planned in the next 30 days")[2]
    assert re.search(r"thank-you 5 5 all 5 5 $", calendar)


def test_a_rule_has_its_funnel_and_its_refusals(http: TestClient) -> None:
    page = http.get("/marketing/rules/thank-you", auth=BASIC).text
    shown = text(page)
    assert "planned 10 sent 6 60% of planned answered 2 33% of sent goal reached 0 0% of sent" in shown
    assert "no consent 3 30% of planned stale 1 10% of planned" in shown
    assert "Thanks for a purchase that was not returned" in shown
    assert "Nothing is told of deliveries" in shown
    assert "Steps and variants" not in shown
    assert http.get("/marketing/rules/nothing", auth=BASIC).status_code == 404


def test_a_page_is_but_its_own_html_and_says_so(http: TestClient) -> None:
    for path in ("/marketing", "/marketing/rules/thank-you?from=2020-01-01"):
        answer = http.get(path, auth=BASIC)
        style = re.search(r"<style>(.*?)</style>", answer.text, re.DOTALL)
        assert style is not None
        allowed = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
        policy_ = answer.headers["content-security-policy"]
        assert f"style-src 'sha256-{allowed}'" in policy_
        assert "default-src 'none'" in policy_
        assert "<script" not in answer.text
        assert " style=" not in answer.text
        assert answer.headers["cache-control"] == "no-store"


def arms(holdout: int) -> dict[Cell, dict[str, int]]:
    return {
        Cell("r", "2026-03-02", "@", "a"): {"assigned": 900, "reached": 300},
        Cell("r", "2026-03-02", "@", "holdout"): {"assigned": holdout, "reached": 10},
        Cell("r", "2026-03-02", "offer", "a"): {"planned": 5, "sent": 5, "answered": 1},
        Cell("r", "2026-03-02", "reminder", "a"): {"planned": 4, "sent": 2, "answered": 2},
    }


SHOWN = Shown(date(2026, 3, 1), date(2026, 4, 1), date(2026, 3, 31))


def test_lift_is_shown_with_its_interval_and_where_the_split_is_wrong_that_is_said_first() -> None:
    told = rule_page(SHOWN, "r", "", "purchase.made", report(arms(100), {"a": 0.9, "holdout": 0.1}))
    assert [(part["step"], part["share"]) for part in told["parts"]] == [("offer", 20), ("reminder", 100)]
    lift = told["lifts"][0]
    assert (lift["arm"], lift["against"], lift["verdict"]) == ("a", "holdout", "more")
    assert lift["difference"] == "+23.3 pp"
    mark = lift["mark"]
    assert 0 < mark["zero"] < mark["low"] < mark["value"] < mark["high"] < 100
    assert not told["ratio"]["mismatch"]
    told = rule_page(SHOWN, "r", "", None, report(arms(300), {"a": 0.9, "holdout": 0.1}))
    assert told["ratio"] == {"p": "below 0.0001", "mismatch": True}


def test_names_in_links_are_escaped() -> None:
    told = overview(SHOWN, "x", {"a/b?c": report({Cell("a", "2026-03-02"): {"planned": 1}}, {})}, {})
    assert told["rows"][0]["href"] == "/marketing/rules/a%2Fb%3Fc?from=2026-03-01&to=2026-04-01"
    assert [link["here"] for link in told["links"]] == [False, False, False, False]
