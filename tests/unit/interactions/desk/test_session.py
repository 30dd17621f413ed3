"""Sessions and forms: who is signed in, and whose a form is."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest
from starlette.testclient import TestClient

from services.interactions import api
from services.interactions.desk.page import COOKIE
from services.interactions.desk.session import Sessions
from services.interactions.settings import InteractionsSettings
from shared.http.auth import Authenticator
from tests.unit.interactions.inline_worker import InlineWorker

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
KEYS = {
    "ann": ["desk", "customers:read", "complaints:write"],
    "till": ["events:write"],
}


def settings_of(mongo: str = "mongodb://127.0.0.1", **changes: Any) -> InteractionsSettings:
    keys = {
        name: {"key_sha256": sha256(f"key of {name}".encode()).hexdigest(), "scopes": scopes}
        for name, scopes in KEYS.items()
    }
    told = {"kafka": "nowhere:1", "mongo": mongo, "secret_key": "0123456789abcdef", "api_keys": keys}
    return InteractionsSettings.model_validate({**told, "api_key": "the key to all", **changes})


def sessions(**changes: Any) -> Sessions:
    settings = settings_of(**changes)
    return Sessions(settings.key_ring, Authenticator(settings), timedelta(hours=12))


def test_a_session_names_who_it_is_and_never_holds_the_key() -> None:
    made = sessions().by_key("key of ann", "", NOW)
    cookie = sessions().write(made)
    read = sessions().read(cookie, NOW + timedelta(hours=11))
    assert read == made
    principal = sessions().principal(made)
    assert principal is not None
    assert (principal.name, made.agent_id) == ("ann", "ann")
    assert principal.scopes == set(KEYS["ann"])
    assert "key of ann" not in cookie
    assert sha256(b"key of ann").hexdigest() not in cookie


def test_it_ends() -> None:
    cookie = sessions().write(sessions().by_key("key of ann", "", NOW))
    assert sessions().read(cookie, NOW + timedelta(hours=12)) is None


@pytest.mark.parametrize("cookie", [None, "", "a", "e30.x", "{}"])
def test_what_was_not_made_here_is_none(cookie: str | None) -> None:
    assert sessions().read(cookie, NOW) is None


def test_another_secret_reads_none_of_it() -> None:
    cookie = sessions().write(sessions().by_key("key of ann", "", NOW))
    assert sessions(secret_key="another 0123456789").read(cookie, NOW) is None


@pytest.mark.parametrize(
    "keys",
    [{}, {"ann": {"key_sha256": sha256(b"a new key").hexdigest(), "scopes": ["desk"]}}],
    ids=["gone", "another"],
)
def test_a_key_that_is_gone_ends_its_sessions(keys: dict[str, Any]) -> None:
    made = sessions().by_key("key of ann", "", NOW)
    assert sessions(api_keys=keys).principal(made) is None


def test_scopes_are_those_that_the_key_has_now() -> None:
    made = sessions().by_key("key of ann", "", NOW)
    fewer = {"ann": {"key_sha256": sha256(b"key of ann").hexdigest(), "scopes": ["desk"]}}
    principal = sessions(api_keys=fewer).principal(made)
    assert principal is not None
    assert principal.scopes == {"desk"}


@pytest.fixture
def browser(mongo: str) -> Iterator[TestClient]:
    settings = settings_of(mongo)
    app = api.create_app(settings, publisher=InlineWorker(settings))
    with TestClient(app, base_url="https://desk.test", follow_redirects=False) as client:
        yield client


def token_of(page: str) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', page)
    assert found is not None
    return found[1]


def sign_in(browser: TestClient, key: str, **more: str) -> Any:
    token = token_of(browser.get("/desk/sign-in").text)
    return browser.post("/desk/sign-in", data={"csrf": token, "api_key": key, **more})


def test_pages_have_strict_headers_and_files_are_kept_for_long(browser: TestClient) -> None:
    page = browser.get("/desk/sign-in")
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert page.headers["cache-control"] == "no-store"
    assert not re.search(r"<script(?![^>]*\ssrc=)|\sstyle=|\son\w+=", page.text)
    for name in re.findall(r'(?:src|href)="(/desk/static/[^"]+)"', page.text):
        file = browser.get(name)
        assert file.status_code == 200
        assert "immutable" in file.headers["cache-control"]
    assert browser.get("/desk/static/desk.css").status_code == 404


def test_the_cookie_is_for_the_server_alone(browser: TestClient) -> None:
    answer = sign_in(browser, "key of ann")
    assert answer.status_code == 303
    cookie = next(one for one in answer.headers.get_list("set-cookie") if one.startswith(f"{COOKIE}="))
    assert {"HttpOnly", "Secure", "SameSite=lax", "Path=/desk"} <= set(cookie.split("; "))


def test_only_who_may_do_everything_says_whose_work_it_is(browser: TestClient) -> None:
    sign_in(browser, "key of ann", agent_id="ben")
    assert "<span>ann</span>" in browser.get("/desk/settings").text
    browser.cookies.clear()
    sign_in(browser, "the key to all", agent_id="ben")
    assert "<span>ben</span>" in browser.get("/desk/settings").text


@pytest.mark.parametrize("key", ["key of till", "no key"])
def test_who_may_not_is_told(browser: TestClient, key: str) -> None:
    assert sign_in(browser, key).status_code == 403
    assert browser.get("/desk").status_code == 303


@pytest.mark.parametrize(
    ("to", "place"),
    [
        ("/desk/complaints?status=opened", "/desk/complaints?status=opened"),
        ("https://evil.test", "/desk"),
        ("//evil.test", "/desk"),
        ("/desk//evil.test", "/desk"),
        ("/deskevil", "/desk"),
        ("/desk/sign-in", "/desk"),
        ("/desk\\evil", "/desk"),
    ],
)
def test_one_goes_on_within_the_desk(browser: TestClient, to: str, place: str) -> None:
    assert sign_in(browser, "key of ann", to=to).headers["location"] == place


def test_a_form_of_somebody_else_is_refused(browser: TestClient) -> None:
    strange = token_of(browser.get("/desk/sign-in").text)
    sign_in(browser, "key of ann")
    own = token_of(browser.get("/desk/settings").text)
    wish = {"language": "de", "timezone": "Europe/Berlin"}
    for token in ("", "x", strange):
        answer = browser.post("/desk/settings", data={**wish, "csrf": token})
        assert answer.status_code == 403
        assert "form_expired" not in answer.headers.get("location", "")
    elsewhere = {"sec-fetch-site": "cross-site"}
    assert browser.post("/desk/settings", data={**wish, "csrf": own}, headers=elsewhere).status_code == 403
    assert browser.post("/desk/settings", json={**wish, "csrf": own}).status_code == 415
    assert browser.post("/desk/settings", data={**wish, "csrf": own}).status_code == 303
    assert '<html lang="de">' in browser.get("/desk/settings").text


def test_a_part_of_a_page_sends_the_whole_page_to_sign_in(browser: TestClient) -> None:
    answer = browser.get("/desk/settings", headers={"hx-request": "true"})
    assert answer.status_code == 204
    assert answer.headers["hx-redirect"] == "/desk/sign-in?to=%2Fdesk%2Fsettings"


def test_the_pages_are_not_in_openapi(browser: TestClient) -> None:
    paths = browser.get("/openapi.json").json()["paths"]
    assert [path for path in paths if path.startswith("/desk")] == []
