"""Who is let in, as whom, and to what."""

import hashlib
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from fastapi import FastAPI
from pydantic import ValidationError
from starlette.testclient import TestClient

from shared.http.auth import Authenticator, require
from shared.http.keys import fits, full_types, hash_of
from shared.http.problems import ProblemError
from shared.runtime.access import SCOPES, NamedKey
from shared.runtime.settings import Settings, explain

SECRET = "a-secret-of-at-least-thirty-two-bytes"
READ = {"scope": "customers:read"}


def changed(settings: Settings, **values: Any) -> Settings:
    given = settings.model_dump(exclude_unset=True) | values
    return type(settings)(**given)


def token(key: Any = SECRET, algorithm: str = "HS256", **claims: Any) -> str:
    claims = {"sub": "till-7", "exp": time.time() + 60, **claims}
    return jwt.encode({k: v for k, v in claims.items() if v is not None}, key, algorithm=algorithm)


def pem_pair(private: Any) -> tuple[bytes, str]:
    return (
        private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ),
        private.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode(),
    )


@pytest.fixture(scope="module")
def rsa_pair() -> tuple[bytes, str]:
    return pem_pair(rsa.generate_private_key(65537, 2048))


@pytest.fixture(scope="module")
def ec_pair() -> tuple[bytes, str]:
    return pem_pair(ec.generate_private_key(ec.SECP256R1()))


def get(app: FastAPI, **headers: str) -> Any:
    with TestClient(app) as client:
        return client.get("/members/c-1", headers=headers)


def test_nobody_is_401_with_a_challenge(api: TestClient) -> None:
    for headers in ({}, {"X-API-Key": "wrong"}, {"Authorization": "Basic eDp5"}):
        answer = api.get("/members/c-1", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert answer.headers["content-type"] == "application/problem+json"


def test_the_key_has_every_scope(api: TestClient) -> None:
    answer = api.get("/members/c-1", headers={"X-API-Key": "an-api-key-for-tests"})
    assert (answer.status_code, answer.json()["caller"]) == (200, "api-key")


def test_named_keys_have_what_they_list(make_app: Callable[[Settings], FastAPI], settings: Settings) -> None:
    hashed = hashlib.sha256(b"till-key").hexdigest().upper()
    keys = {
        "till": NamedKey(key_sha256=hashed, scopes=frozenset({"customers:read"})),
        "boss": NamedKey(key_sha256=hashlib.sha256(b"boss-key").hexdigest(), scopes=frozenset({"admin"})),
    }
    app = make_app(changed(settings, api_keys=keys))
    assert get(app, **{"X-API-Key": "till-key"}).json()["caller"] == "till"
    refused = get(app, **{"X-API-Key": "boss-key"})
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    assert "customers:read" in refused.json()["detail"]
    assert 'scope="customers:read"' in refused.headers["www-authenticate"]


@pytest.mark.parametrize(
    "scope", ["customers:read metrics:read", ["metrics:read", "customers:read"]], ids=["words", "list"]
)
def test_a_token_names_its_scopes(
    make_app: Callable[[Settings], FastAPI], settings: Settings, scope: Any
) -> None:
    app = make_app(changed(settings, jwt_secret=SECRET))
    answer = get(app, Authorization=f"Bearer {token(scope=scope)}")
    assert (answer.status_code, answer.json()["caller"]) == (200, "till-7")
    assert get(app, Authorization=f"Bearer {token(scope='metrics:read')}").status_code == 403
    assert get(app, Authorization=f"Bearer {token()}").status_code == 403


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": time.time() - 60},
        {"exp": None},
        {"sub": None},
        {"sub": ""},
        {"sub": "s" * 257},
        {"sub": "api-key"},
        {"nbf": time.time() + 86_400},  # when this file was read, long before it runs
    ],
    ids=["expired", "no exp", "no sub", "empty sub", "long sub", "a key's name", "not yet"],
)
async def test_a_token_that_is_not_good(settings: Settings, claims: dict[str, Any]) -> None:
    authenticator = Authenticator(changed(settings, jwt_secret=SECRET))
    assert (await authenticator.token(token(**READ))).name == "till-7"
    with pytest.raises(ProblemError) as caught:
        await authenticator.token(token(**READ, **claims))
    assert (caught.value.status, caught.value.code) == (401, "unauthenticated")
    assert 'error="invalid_token"' in caught.value.headers["WWW-Authenticate"]


async def test_audience_and_issuer_are_checked_when_set(settings: Settings) -> None:
    authenticator = Authenticator(
        changed(settings, jwt_secret=SECRET, jwt_audience="rapport", jwt_issuer="https://id.test")
    )
    assert (await authenticator.token(token(aud="rapport", iss="https://id.test"))).name == "till-7"
    for claims in ({}, {"aud": "rapport"}, {"aud": "other", "iss": "https://id.test"}):
        with pytest.raises(ProblemError):
            await authenticator.token(token(**claims))


async def test_public_keys_verify_their_own_algorithm_only(
    settings: Settings, rsa_pair: tuple[bytes, str], ec_pair: tuple[bytes, str]
) -> None:
    for (private, public), algorithm in ((rsa_pair, "RS256"), (ec_pair, "ES256")):
        authenticator = Authenticator(changed(settings, jwt_public_key=public))
        assert (await authenticator.token(token(private, algorithm, **READ))).scopes == {"customers:read"}
        other = ec_pair if algorithm == "RS256" else rsa_pair
        for bad in (
            token(other[0], "ES256" if algorithm == "RS256" else "RS256"),
            token(SECRET, "HS256"),
            jwt.encode({"sub": "x", "exp": time.time() + 60}, "", algorithm="none"),
            "not.a.token",
            "",
        ):
            with pytest.raises(ProblemError):
                await authenticator.token(bad)


def test_principals_with_odd_names_never_share_a_source(
    make_app: Callable[[Settings], FastAPI], settings: Settings, publisher: Any
) -> None:
    publisher.worker = lambda event: {"status": 201, "body": {"who": event.source}}
    app = make_app(changed(settings, jwt_secret=SECRET))
    seen = set()
    with TestClient(app) as client:
        for sub in ("a/b", "a%2Fb", "a b", "a_b", "ä"):
            answer = client.post(
                "/members/c-1/redemptions",
                json={"reward_id": "mug"},
                headers={
                    "Authorization": f"Bearer {token(sub=sub, scope='loyalty:redeem')}",
                    "Idempotency-Key": "same",
                },
            )
            assert answer.status_code == 201
            seen.add(answer.json()["who"])
    assert len(seen) == 5
    assert all(source.count("/") == 4 and " " not in source for source in seen)


def test_anothers_command_is_not_found(make_app: Callable[[Settings], FastAPI], settings: Settings) -> None:
    app = make_app(changed(settings, jwt_secret=SECRET))
    with TestClient(app) as client:
        mine = {"Authorization": f"Bearer {token(scope='loyalty:redeem')}"}
        sent = client.post("/members/c-1/redemptions", json={"reward_id": "mug"}, headers=mine)
        location = sent.headers["location"]
        assert client.get(location, headers=mine).status_code == 202
        for sub in ("till-70", "till-"):
            others = {"Authorization": f"Bearer {token(sub=sub)}"}
            assert client.get(location, headers=others).status_code == 404


def test_a_scope_that_does_not_exist_is_a_mistake_in_the_code() -> None:
    with pytest.raises(ValueError, match="loyalty:red"):
        require("loyalty:red")
    assert "admin" in SCOPES


def test_with_nothing_configured_nobody_gets_in(settings: Settings) -> None:
    closed = Authenticator(changed(settings, api_key=None))
    assert not closed.configured
    with pytest.raises(ProblemError):
        closed.api_key("")


def test_a_key_ends_at_its_time(make_app: Callable[[Settings], FastAPI], settings: Settings) -> None:
    now = datetime(2026, 11, 26, tzinfo=UTC)
    keys = {"till": NamedKey(key_sha256=(hash_of("till-key"),), expires_at=now + timedelta(days=1))}
    time = [now]
    door = Authenticator(changed(settings, api_keys=keys), clock=lambda: time[0])
    assert door.api_key("till-key").name == "till"
    time[0] = now + timedelta(days=1)
    with pytest.raises(ProblemError, match="has expired"):
        door.api_key("till-key")
    assert door.named("till") is None
    assert door.reserved("till")


def test_two_keys_of_one_name_while_one_replaces_the_other(settings: Settings) -> None:
    hashes = (hash_of("old-key"), hash_of("new-key"))
    door = Authenticator(changed(settings, api_keys={"till": NamedKey(key_sha256=hashes)}))
    assert {door.api_key(key).name for key in ("old-key", "new-key")} == {"till"}
    assert door.key_hashes("till") == tuple(map(bytes.fromhex, hashes))
    after = Authenticator(changed(settings, api_keys={"till": NamedKey(key_sha256=hashes[1:])}))
    with pytest.raises(ProblemError, match="not known"):
        after.api_key("old-key")


@pytest.mark.parametrize(
    ("value", "patterns", "allowed"),
    [
        ("/pos/17", None, True),
        ("/pos/17", ("/pos/17",), True),
        ("/pos/170", ("/pos/17",), False),
        ("/pos/17/a", ("/pos/17",), False),
        ("/pos/17/a/b", ("/pos/17/*",), True),
        ("/posX17", ("/pos.17",), False),
        ("/POS/17", ("/pos/17",), False),
        ("rapport.purchase.made.v1", full_types(("purchase.made",)), True),
        ("rapport.purchase.returned.v1", full_types(("purchase.made",)), False),
        ("rapport.purchase.returned.v1", full_types(("purchase.*", "x")), True),
        ("rapport.purchases.made.v1", full_types(("purchase.*",)), False),
        ("rapport.purchase.made.v1", full_types(("rapport.purchase.made.v1",)), True),
        ("rapport.purchase.made.v1", full_types(("*",)), True),
    ],
)
def test_patterns(value: str, patterns: tuple[str, ...] | None, allowed: bool) -> None:
    assert fits(value, patterns) is allowed


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ({"key_sha256": "abc"}, "RAPPORT_API_KEYS.till.key_sha256"),
        ({"key_sha256": []}, "RAPPORT_API_KEYS.till.key_sha256"),
        ({"key_sha256": ["0" * 64] * 3}, "RAPPORT_API_KEYS.till.key_sha256"),
        ({"key_sha256": "0" * 64, "scopes": ["events:read"]}, "there is no scope events:read"),
        ({"key_sha256": "0" * 64, "sources": []}, "RAPPORT_API_KEYS.till.sources"),
        ({"key_sha256": "0" * 64, "expires_at": "2026-01-01"}, "RAPPORT_API_KEYS.till.expires_at"),
        ({"key_sha256": "0" * 64, "source": ["/pos/1"]}, "RAPPORT_API_KEYS.till.source"),
    ],
)
def test_a_key_that_is_not_said_right(settings: Settings, named: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        changed(settings, api_keys=json.dumps({"till": named}))
    assert said in explain(Settings, caught.value)


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"api-key": "a" * 64}, "RAPPORT_API_KEYS: api-key is the name of RAPPORT_API_KEY"),
        ({"till": "a" * 64, "desk": "A" * 64}, "RAPPORT_API_KEYS: till and desk are the same key"),
    ],
)
def test_a_key_is_one_callers(settings: Settings, keys: dict[str, str], said: str) -> None:
    """Else the one of RAPPORT_API_KEY would end, or a till might do what the desk may."""
    named = {name: {"key_sha256": hashed} for name, hashed in keys.items()}
    with pytest.raises(ValidationError) as caught:
        changed(settings, api_keys=json.dumps(named))
    assert said in explain(Settings, caught.value)
