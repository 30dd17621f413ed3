"""Tokens by an issuer's published keys: rotation, unknown keys, an issuer that is away, and tricks."""

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from fastapi import FastAPI
from jwt.algorithms import ECAlgorithm, HMACAlgorithm, RSAAlgorithm
from pydantic import ValidationError
from starlette.testclient import TestClient

from shared.http.auth import Authenticator
from shared.http.jwks import FRESH_S, KEPT_S, PAUSE_S, IssuerKeys, UnknownKeyError
from shared.http.problems import ProblemError
from shared.runtime.settings import Settings, explain

ISSUER, AUDIENCE = "https://login.test/shop", "rapport"
KEYS = {kid: rsa.generate_private_key(65537, 2048) for kid in ("one", "two")}
CURVE = ec.generate_private_key(ec.SECP256R1())


def jwk(kid: str, **more: str) -> dict[str, Any]:
    return RSAAlgorithm.to_jwk(KEYS[kid].public_key(), as_dict=True) | {"kid": kid, "use": "sig"} | more


class Issuer:
    """A server of keys, which counts how often it is asked."""

    def __init__(self) -> None:
        self.keys = [jwk("one")]
        self.status = 200
        self.asked = 0
        self.pause = 0.0
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.asked += 1
                threading.Event().wait(issuer.pause)
                body = json.dumps({"keys": issuer.keys}).encode() if issuer.status == 200 else b"<html>"
                self.send_response(issuer.status)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None: ...

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/keys"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class Time:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    running = Issuer()
    yield running
    running.stop()


@pytest.fixture
def clock() -> Time:
    return Time()


@pytest.fixture
def keys(issuer: Issuer, clock: Time) -> IssuerKeys:
    return IssuerKeys(issuer.url, clock=clock)


@pytest.fixture
def door(settings: Settings, issuer: Issuer, keys: IssuerKeys) -> Authenticator:
    return Authenticator(pinned(settings, issuer.url), issuer_keys=keys)


def pinned(settings: Settings, url: str, **more: Any) -> Settings:
    given = settings.model_dump(exclude_unset=True)
    told = {"jwks_url": url, "jwt_issuer": ISSUER, "jwt_audience": AUDIENCE}
    return type(settings)(**(given | told | more))


def token(kid: str | None = "one", key: Any = None, algorithm: str = "RS256", **claims: Any) -> str:
    said = {"sub": "ann", "iss": ISSUER, "aud": AUDIENCE, "exp": time.time() + 60, "scope": "customers:read"}
    return jwt.encode(
        {name: value for name, value in (said | claims).items() if value is not None},
        KEYS[kid or "one"] if key is None else key,
        algorithm=algorithm,
        headers={} if kid is None else {"kid": kid},
    )


async def refused(door: Authenticator, shown: str) -> tuple[int, str]:
    with pytest.raises(ProblemError) as caught:
        await door.token(shown)
    return caught.value.status, caught.value.code


async def test_a_token_of_the_issuer(door: Authenticator, issuer: Issuer) -> None:
    for _ in range(3):
        principal = await door.token(token())
    assert (principal.name, principal.scopes) == ("ann", {"customers:read"})
    assert issuer.asked == 1


async def test_a_new_key_is_found_at_once(door: Authenticator, issuer: Issuer, clock: Time) -> None:
    await door.token(token())
    issuer.keys = [jwk("two"), jwk("one")]
    clock.now += PAUSE_S
    assert (await door.token(token("two"))).name == "ann"
    assert (await door.token(token("one"))).name == "ann"
    assert issuer.asked == 2


async def test_a_key_taken_back_is_good_no_longer(door: Authenticator, issuer: Issuer, clock: Time) -> None:
    await door.token(token())
    issuer.keys = [jwk("two")]
    clock.now += FRESH_S + 1
    await door.token(token())  # asked for beside it
    await asyncio.gather(*asyncio.all_tasks() - {asyncio.current_task()})
    clock.now += PAUSE_S
    await door.token(token("two"))
    assert await refused(door, token()) == (401, "unauthenticated")


async def test_an_unknown_key_is_asked_for_once_in_a_while(
    door: Authenticator, issuer: Issuer, clock: Time
) -> None:
    await door.token(token())
    for number in range(50):
        shown = token(f"made-up-{number}", key=KEYS["one"])
        assert await refused(door, shown) == (401, "unauthenticated")
    assert issuer.asked == 1
    clock.now += PAUSE_S
    assert await refused(door, token("made-up", key=KEYS["one"])) == (401, "unauthenticated")
    assert issuer.asked == 2


async def test_all_who_wait_share_one_question(keys: IssuerKeys, issuer: Issuer) -> None:
    issuer.pause = 0.2
    found = await asyncio.gather(*(keys.key("one") for _ in range(100)))
    assert {one.key_id for one in found} == {"one"}
    assert issuer.asked == 1


async def test_who_hangs_up_ends_no_question_of_others(keys: IssuerKeys, issuer: Issuer) -> None:
    issuer.pause = 0.2
    first, second = (asyncio.create_task(keys.key("one")) for _ in range(2))
    await asyncio.sleep(0.05)
    first.cancel()
    assert (await second).key_id == "one"


async def test_an_issuer_that_is_away_at_the_start(door: Authenticator, issuer: Issuer, clock: Time) -> None:
    issuer.status = 503
    for _ in range(5):
        assert await refused(door, token()) == (503, "issuer_unavailable")
    assert issuer.asked == 1
    issuer.status = 200
    clock.now += PAUSE_S
    assert (await door.token(token())).name == "ann"


async def test_known_keys_outlast_an_outage_for_a_day(
    door: Authenticator, issuer: Issuer, clock: Time
) -> None:
    await door.token(token())
    issuer.status = 500
    for _ in range(4):
        clock.now += KEPT_S / 5
        assert (await door.token(token())).name == "ann"
    assert await refused(door, token("two")) == (503, "issuer_unavailable"), "it may be a new one"
    clock.now += KEPT_S / 5 + 1
    assert await refused(door, token()) == (503, "issuer_unavailable")
    issuer.status = 200
    clock.now += PAUSE_S
    assert (await door.token(token())).name == "ann"


@pytest.mark.parametrize("body", [[], ["x"], "x", None, [{"kty": "oct", "kid": "one"}]])
async def test_what_is_no_set_of_keys(issuer: Issuer, keys: IssuerKeys, body: Any) -> None:
    issuer.keys = body
    with pytest.raises(ProblemError):
        await keys.key("one")


async def test_nobody_answers_at_that_address(clock: Time) -> None:
    with pytest.raises(ProblemError, match="issuer_unavailable"):
        await IssuerKeys("http://127.0.0.1:9/keys", clock=clock).key("one")


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://login.test/other"},
        {"iss": None},
        {"aud": "another"},
        {"aud": None},
        {"exp": 1_000_000_000},  # long ago
        {"exp": None},
        {"sub": "api-key"},
    ],
    ids=str,
)
async def test_issuer_audience_and_time_are_pinned(door: Authenticator, claims: dict[str, Any]) -> None:
    assert await refused(door, token(**claims)) == (401, "unauthenticated")


async def test_tricks_with_the_algorithm(door: Authenticator, issuer: Issuer, clock: Time) -> None:
    pem = KEYS["one"].public_key()
    text = pem.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    shared = b"a secret of thirty-two bytes or more"
    issuer.keys.append(HMACAlgorithm.to_jwk(shared, as_dict=True) | {"kid": "shared"})
    issuer.keys.append(ECAlgorithm.to_jwk(CURVE.public_key(), as_dict=True) | {"kid": "curve"})
    forged = _forged_hs256(text)
    for shown in (
        forged,
        token("shared", key=shared, algorithm="HS256"),
        token("one", key="", algorithm="none"),
        token("one", algorithm="RS512"),
        token("one", key=CURVE, algorithm="ES256"),
        token(None),
        token("two"),
    ):
        assert await refused(door, shown) == (401, "unauthenticated")
    assert (await door.token(token("curve", key=CURVE, algorithm="ES256"))).name == "ann"


def _forged_hs256(secret: bytes) -> str:
    """Signed with the public key as if it were a secret, which PyJWT itself would not do."""
    import base64
    import hmac

    def part(value: Any) -> bytes:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=")

    claims = {"sub": "ann", "iss": ISSUER, "aud": AUDIENCE, "exp": time.time() + 60}
    signed = part({"alg": "HS256", "kid": "one"}) + b"." + part(claims)
    mac = base64.urlsafe_b64encode(hmac.digest(secret, signed, "sha256")).rstrip(b"=")
    return (signed + b"." + mac).decode()


async def test_secrets_and_published_keys_side_by_side(settings: Settings, issuer: Issuer) -> None:
    secret = "a-secret-of-at-least-thirty-two-bytes"
    door = Authenticator(pinned(settings, issuer.url, jwt_secret=secret))
    assert (await door.token(token())).name == "ann"
    assert (await door.token(token(None, key=secret, algorithm="HS256"))).name == "ann"


def test_over_http(make_app: Any, settings: Settings, issuer: Issuer) -> None:
    app: FastAPI = make_app(pinned(settings, issuer.url))
    with TestClient(app) as client:
        issuer.status = 500
        answer = client.get("/members/c-1", headers={"Authorization": f"Bearer {token()}"})
        assert (answer.status_code, answer.json()["code"]) == (503, "issuer_unavailable")
        assert int(answer.headers["retry-after"]) > 0
        assert client.get("/healthz").status_code == 200


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"jwks_url": "https://login.test/keys"}, "RAPPORT_JWT_ISSUER and RAPPORT_JWT_AUDIENCE"),
        ({"jwks_url": "file:///etc/passwd"}, "RAPPORT_JWKS_URL: must be a URL"),
        ({"jwks_url": "http://login.test/keys"}, "RAPPORT_JWKS_URL: must be https"),
        ({"jwks_url": "http://127.0.0.1.login.test/keys"}, "RAPPORT_JWKS_URL: must be https"),
        ({"jwks_algorithms": "RS256,HS256"}, "RAPPORT_JWKS_ALGORITHMS: must be some of"),
        ({"jwks_algorithms": "none"}, "RAPPORT_JWKS_ALGORITHMS: must be some of"),
    ],
)
def test_settings_that_pin_nothing(settings: Settings, given: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        type(settings)(**(settings.model_dump(exclude_unset=True) | given))
    assert said in explain(type(settings), caught.value)


async def test_a_key_that_is_not_there_says_so(keys: IssuerKeys) -> None:
    with pytest.raises(UnknownKeyError):
        await keys.key("nope")
