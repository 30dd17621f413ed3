"""Signing in with an OpenID provider."""

import threading
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import uvicorn
from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import ValidationError
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from services.interactions import api
from services.interactions.settings import InteractionsSettings
from shared.runtime.settings import explain
from tests.unit.followup.mailserver import free_port
from tests.unit.interactions.inline_worker import InlineWorker

from .openid import CLIENT, GROUPS, SECRET, OpenId


def settings_of(mongo: str, **changes: Any) -> InteractionsSettings:
    told = {
        "kafka": "nowhere:1",
        "mongo": mongo,
        "secret_key": "0123456789abcdef",
        "api_key": "an-api-key-for-tests",
        "oidc_issuer": "http://127.0.0.1:1",
        "oidc_client_id": CLIENT,
        "oidc_client_secret": SECRET,
        "oidc_groups": GROUPS,
    }
    return InteractionsSettings.model_validate(told | changes)


@pytest.fixture
def openid() -> Iterator[OpenId]:
    port = free_port()
    provider = OpenId(f"http://127.0.0.1:{port}")
    server = uvicorn.Server(uvicorn.Config(provider.app, port=port, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)  # it tells its start in no other way
    yield provider
    server.should_exit = True
    thread.join(10)


@pytest.fixture
def browser(mongo: str, openid: OpenId) -> Iterator[TestClient]:
    settings = settings_of(mongo, oidc_issuer=openid.issuer)
    app = api.create_app(settings, publisher=InlineWorker(settings))
    with TestClient(app, base_url="https://desk.test", follow_redirects=False) as client:
        yield client


def ask_provider(url: str) -> str:
    """The browser goes there; where it is sent back to."""
    return str(httpx.get(url).headers["location"])


def sign_in(browser: TestClient, openid: OpenId, to: str = "/desk/settings") -> httpx.Response:
    begun = browser.get("/desk/sign-in/provider", params={"to": to})
    assert begun.status_code == 303
    back = ask_provider(begun.headers["location"])
    assert back.startswith("https://desk.test/desk/sign-in/back?")
    return browser.get(back)


def test_whom_the_provider_vouches_for_is_signed_in(browser: TestClient, openid: OpenId) -> None:
    answer = sign_in(browser, openid)
    assert (answer.status_code, answer.headers["location"]) == (303, "/desk/settings")
    cookie = next(one for one in answer.headers.get_list("set-cookie") if one.startswith("rapport-desk="))
    assert {"HttpOnly", "Secure", "SameSite=lax", "Path=/desk"} <= set(cookie.split("; "))
    page = browser.get("/desk/settings")
    assert page.status_code == 200
    assert "Mara Novak" in page.text


def test_a_group_without_the_desk_does_not_open_it(browser: TestClient, openid: OpenId) -> None:
    openid.claims["groups"] = ["interns", "nobody"]
    answer = sign_in(browser, openid)
    assert answer.status_code == 403
    assert "You may not open the desk" in answer.text
    assert browser.get("/desk").status_code == 303


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "somebody-else"},
        {"iss": "https://other.test"},
        {"exp": 1},
        {"nonce": "another"},
        {"sub": "api-key"},
    ],
)
def test_what_is_not_vouched_for_us_is_refused(
    browser: TestClient, openid: OpenId, claims: dict[str, Any]
) -> None:
    openid.claims |= claims
    answer = sign_in(browser, openid)
    assert answer.status_code == 403
    assert browser.get("/desk").headers["location"].startswith("/desk/sign-in")


def test_a_token_that_another_key_signed_is_refused(browser: TestClient, openid: OpenId) -> None:
    openid.signs_with = ec.generate_private_key(ec.SECP256R1())
    assert (sign_in(browser, openid)).status_code == 403


def test_an_answer_that_was_not_begun_here_is_refused(browser: TestClient, openid: OpenId) -> None:
    begun = browser.get("/desk/sign-in/provider")
    back = ask_provider(begun.headers["location"])
    code = parse_qs(urlsplit(back).query)["code"][0]
    assert browser.get("/desk/sign-in/back", params={"code": code, "state": "guessed"}).status_code == 403
    assert browser.get(back).status_code == 403  # it is forgotten by then


@pytest.mark.parametrize(
    ("said", "told"),
    [("access_denied", "the provider says access_denied"), ("Zoë", "the provider says something else")],
)
def test_what_stands_in_the_address_is_not_logged(browser: TestClient, said: str, told: str) -> None:
    """Anybody may call it, and write there what they like."""
    begun = browser.get("/desk/sign-in/provider")
    state = parse_qs(urlsplit(begun.headers["location"]).query)["state"][0]
    with capture_logs() as lines:
        assert browser.get("/desk/sign-in/back", params={"state": state, "error": said}).status_code == 403
    assert told in [line.get("why") for line in lines]
    assert "Zoë" not in str(lines)


def test_a_code_serves_once(browser: TestClient, openid: OpenId) -> None:
    begun = browser.get("/desk/sign-in/provider")
    cookie = begun.headers["set-cookie"].partition(";")[0]
    back = ask_provider(begun.headers["location"])
    assert browser.get(back).status_code == 303
    browser.cookies.clear()
    assert browser.get(back, headers={"cookie": cookie}).status_code == 403


def test_a_provider_that_is_away_is_said(browser: TestClient, openid: OpenId) -> None:
    openid.away = True
    answer = browser.get("/desk/sign-in/provider")
    assert answer.status_code == 503
    assert "does not answer" in answer.text


def test_where_one_wanted_to_go_is_within_the_desk(browser: TestClient) -> None:
    assert (
        "https://evil.test"
        not in browser.get("/desk/sign-in/provider?to=https://evil.test").headers["location"]
    )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"oidc_client_secret": None}, "RAPPORT_OIDC_CLIENT_SECRET"),
        ({"oidc_groups": '{"support": ["everything"]}'}, "there is no scope everything"),
        ({"oidc_groups": "support"}, "RAPPORT_OIDC_GROUPS"),
    ],
)
def test_settings_that_cannot_be_used_are_said(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        settings_of("mongodb://127.0.0.1", **changes)
    assert said in explain(InteractionsSettings, caught.value)
