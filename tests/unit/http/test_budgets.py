"""How often a caller may ask, and what one is told who asked too often."""

from typing import Any

import jwt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client import REGISTRY
from starlette.testclient import TestClient

from shared.http.budgets import Budgets
from shared.http.problems import ProblemError
from shared.runtime.settings import Settings

KEY = {"X-API-Key": "an-api-key-for-tests"}
SECRET = "a-secret-of-at-least-thirty-two-bytes"


class Time:
    """Stands in for the wall clock, of what counts and of what limits counts by."""

    def __init__(self, at: float = 1_800_000_000.0) -> None:
        self.now = at

    def time(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Time:
    made = Time()
    for module in ("shared.http.budgets", "limits.storage.memory", "limits.strategies"):
        monkeypatch.setattr(f"{module}.time", made)
    return made


def limited(given: Settings, **more: Any) -> Settings:
    return type(given)(**(given.model_dump(exclude_unset=True) | {"rate_limit": 3} | more))


def allowed(shared: Budgets, caller: str = "till") -> bool:
    try:
        shared.take(caller)
    except ProblemError:
        return False
    return True


def test_so_many_within_a_minute(clock: Time) -> None:
    shared = Budgets(6)
    assert [allowed(shared) for _ in range(7)] == [True] * 6 + [False]
    assert allowed(shared, "another"), "each has its own"
    clock.now += 30
    assert not allowed(shared)
    clock.now += 100
    assert [allowed(shared) for _ in range(7)] == [True] * 6 + [False]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(1, 50), st.lists(st.floats(0, 30), max_size=60))
def test_who_waits_as_told_is_let_in(clock: Time, per_minute: int, pauses: list[float]) -> None:
    shared = Budgets(per_minute)
    for pause in pauses:
        clock.now += pause
        try:
            shared.take("till")
        except ProblemError as error:
            clock.now += int(error.headers["Retry-After"])
            shared.take("till")


def test_no_limit_unless_one_is_set(api: TestClient) -> None:
    assert {api.get("/members/c-1", headers=KEY).status_code for _ in range(50)} == {200}


def test_over_http(make_app: Any, request: pytest.FixtureRequest) -> None:
    known: Settings = request.getfixturevalue("settings")

    def counted(key: str) -> float:
        labels = {"service": "loyalty", "key": key}
        return REGISTRY.get_sample_value("rapport_rate_limited_total", labels) or 0.0

    before = counted("api-key"), counted("token")
    with TestClient(make_app(limited(known, jwt_secret=SECRET))) as client:
        answers = [client.get("/members/c-1", headers=KEY) for _ in range(4)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        refused = answers[-1]
        assert refused.json()["code"] == "rate_limited"
        assert refused.headers["content-type"] == "application/problem+json"
        assert 1 <= int(refused.headers["retry-after"]) <= 61
        claims = {"sub": "ann", "exp": 9_999_999_999, "scope": "customers:read"}
        other = {"Authorization": f"Bearer {jwt.encode(claims, SECRET)}"}
        assert [client.get("/members/c-1", headers=other).status_code for _ in range(4)] == [200] * 3 + [429]
        assert client.get("/members/c-1", headers={"X-API-Key": "wrong"}).status_code == 401
        for _ in range(5):
            assert client.get("/healthz").status_code == client.get("/metrics").status_code == 200
            assert client.get("/readyz").status_code == 200
    assert (counted("api-key"), counted("token")) == (before[0] + 1, before[1] + 1)
