"""How often a caller may ask, and what one is told who asked too often."""

from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import REGISTRY
from starlette.testclient import TestClient

from shared.http import budgets
from shared.http.budgets import MINUTE, Budgets
from shared.http.problems import ProblemError
from shared.runtime.settings import Settings

KEY = {"X-API-Key": "an-api-key-for-tests"}
SECRET = "a-secret-of-at-least-thirty-two-bytes"


class Time:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def limited(settings: Settings, **more: Any) -> Settings:
    return type(settings)(**(settings.model_dump(exclude_unset=True) | {"rate_limit": 3} | more))


def allowed(shared: Budgets, caller: str = "till") -> bool:
    try:
        shared.take(caller)
    except ProblemError:
        return False
    return True


def test_a_budget_fills_again_over_a_minute() -> None:
    clock = Time()
    shared = Budgets(6, clock)
    assert [allowed(shared) for _ in range(7)] == [True] * 6 + [False]
    assert allowed(shared, "another"), "each has its own"
    clock.now += 9.9
    assert not allowed(shared)
    clock.now += 0.2
    assert [allowed(shared) for _ in range(2)] == [True, False]
    clock.now += 10 * MINUTE
    assert [allowed(shared) for _ in range(7)] == [True] * 6 + [False]


@given(st.integers(1, 50), st.lists(st.floats(0, 30), max_size=60))
def test_who_waits_as_told_is_let_in_and_nobody_has_more_than_two_minutes_at_once(
    per_minute: int, pauses: list[float]
) -> None:
    clock, taken = Time(), []
    shared = Budgets(per_minute, clock)
    for pause in pauses:
        clock.now += pause
        try:
            shared.take("till")
        except ProblemError as error:
            clock.now += int(error.headers["Retry-After"])
            shared.take("till")
        taken.append(clock.now)
    for end in taken:
        assert sum(end - MINUTE < at <= end for at in taken) <= 2 * per_minute


def test_no_limit_unless_one_is_set(api: TestClient) -> None:
    assert {api.get("/members/c-1", headers=KEY).status_code for _ in range(50)} == {200}


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budgets, "MOST_CALLERS", 3)
    shared = Budgets(1, Time())
    for caller in "abcd":
        shared.take(caller)
    assert not allowed(shared, "d")
    assert allowed(shared, "a"), "it was forgotten"


def test_over_http(make_app: Any, settings: Settings) -> None:
    def counted(key: str) -> float:
        labels = {"service": "loyalty", "key": key}
        return REGISTRY.get_sample_value("rapport_rate_limited_total", labels) or 0.0

    before = counted("api-key"), counted("token")
    with TestClient(make_app(limited(settings, jwt_secret=SECRET))) as client:
        answers = [client.get("/members/c-1", headers=KEY) for _ in range(4)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        refused = answers[-1]
        assert refused.json()["code"] == "rate_limited"
        assert refused.headers["content-type"] == "application/problem+json"
        assert 1 <= int(refused.headers["retry-after"]) <= 20
        claims = {"sub": "ann", "exp": 9_999_999_999, "scope": "customers:read"}
        other = {"Authorization": f"Bearer {jwt.encode(claims, SECRET)}"}
        assert [client.get("/members/c-1", headers=other).status_code for _ in range(4)] == [200] * 3 + [429]
        assert client.get("/members/c-1", headers={"X-API-Key": "wrong"}).status_code == 401
        for _ in range(5):
            assert client.get("/healthz").status_code == client.get("/metrics").status_code == 200
            assert client.get("/readyz").status_code == 200
    assert (counted("api-key"), counted("token")) == (before[0] + 1, before[1] + 1)
