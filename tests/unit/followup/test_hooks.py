"""What providers report by webhook: signed, once, and refused with a reason."""

import base64
import json
import time
from typing import Any

import httpx
import pytest
from prometheus_client import REGISTRY
from pydantic import SecretStr, ValidationError
from starlette.testclient import TestClient

from services.followup.settings import FollowupSettings
from shared.runtime.webhooks import UnsignedError, signature, signing_key, signing_keys, verify
from shared.schemas.outreach import OutreachBounced, OutreachComplained, OutreachDelivered

from .apiworker import KEY, Worker
from .test_api import NOTE, items

HOOK = bytes(range(32))
SECRET = "whsec_" + base64.b64encode(HOOK).decode()
OTHER = "whsec_" + base64.b64encode(bytes(range(1, 33))).decode()


@pytest.fixture
def settings(settings: FollowupSettings) -> FollowupSettings:
    return FollowupSettings.model_validate({**settings.model_dump(), "delivery_secret": f"{OTHER},{SECRET}"})


def told(what: str, outreach_id: str, **more: Any) -> bytes:
    data = {"outreach_id": outreach_id, **more}
    return json.dumps({"type": f"message.{what}", "timestamp": "2026-01-01T00:00:00Z", "data": data}).encode()


def post(
    http: TestClient, body: bytes, id: str = "msg_1", *, at: float | None = None, **headers: str
) -> httpx.Response:
    stamp = int(time.time() if at is None else at)
    signed = {
        "webhook-id": id,
        "webhook-timestamp": str(stamp),
        "webhook-signature": signature(HOOK, id, stamp, body),
    }
    return http.post("/hooks/delivery", content=body, headers={**signed, **headers})


def sent(http: TestClient) -> str:
    answer = http.post("/outreach", json=NOTE, headers=KEY)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["outreach_id"])


def counted(result: str) -> float:
    return REGISTRY.get_sample_value("rapport_hooks_total", {"hook": "delivery", "result": result}) or 0.0


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def test_what_is_heard_is_shown_and_an_address_lost(http: TestClient, worker: Worker) -> None:
    id, before = sent(http), counted("accepted")
    answer = post(http, told("delivered", id))
    assert (answer.status_code, answer.json()) == (200, {"outreach_id": id, "status": "delivered"})
    assert post(http, told("bounced", id, code="5.1.1"), "msg_2").status_code == 200
    assert post(http, told("complained", id), "msg_3").status_code == 200
    assert counted("accepted") == before + 3
    page = http.get("/customers/c-1/outreach", headers=KEY).json()
    (shown,) = page["items"]
    assert shown["status"] == "sent"
    assert None not in (shown["delivered_at"], shown["bounced_at"], shown["complained_at"])
    assert (shown["bounce_kind"], shown["bounce_code"]) == ("hard", "5.1.1")
    assert page["unusable"]["email"].startswith("The address cannot be used:")
    assert code(http.post("/outreach", json=NOTE, headers=KEY)) == (409, "address_suppressed")


def test_the_same_again_has_no_second_effect(http: TestClient, worker: Worker) -> None:
    id = sent(http)
    for _ in range(3):
        assert post(http, told("delivered", id)).status_code == 200
    assert post(http, told("delivered", id), "another-id").status_code == 200
    assert len(worker.facts(OutreachDelivered)) == 1
    before = counted("left_out")
    assert code(post(http, told("bounced", id))) == (422, "idempotency_mismatch")
    assert counted("left_out") == before + 1
    assert worker.facts(OutreachBounced) == []
    assert post(http, told("complained", id), "a b/c").status_code == 200
    assert post(http, told("complained", id), "a b/c").status_code == 200
    assert len(worker.facts(OutreachComplained)) == 1


def test_several_signatures_and_keys(http: TestClient) -> None:
    body, now = told("delivered", sent(http)), int(time.time())
    good = signature(HOOK, "m", now, body)
    other = signature(signing_key(OTHER), "m", now, body)
    for given in (f"v1,bm8= {good}", f"v2,x {other} v1,bm8="):
        headers = {"webhook-signature": given, "webhook-timestamp": str(now)}
        assert post(http, body, "m", **headers).status_code == 200
    headers = {"webhook-signature": good.replace("v1,", "v1a,"), "webhook-timestamp": str(now)}
    assert code(post(http, body, "m", **headers)) == (401, "bad_signature")


@pytest.mark.parametrize(
    "headers",
    [
        {"webhook-signature": "v1,bm8="},
        {"webhook-signature": ""},
        {"webhook-id": ""},
        {"webhook-id": "another"},
        {"webhook-timestamp": ""},
        {"webhook-timestamp": "soon"},
        {"webhook-timestamp": "9" * 400},
    ],
)
def test_a_forged_one_is_refused(http: TestClient, worker: Worker, headers: dict[str, str]) -> None:
    before = counted("bad_signature")
    answer = post(http, told("complained", sent(http)), **headers)
    assert code(answer) == (401, "bad_signature")
    assert counted("bad_signature") == before + 1
    assert answer.headers["content-type"] == "application/problem+json"
    assert worker.facts(OutreachComplained) == []


@pytest.mark.parametrize(("seconds", "status"), [(-290, 200), (290, 200), (-310, 401), (310, 401)])
def test_how_old_one_may_be(http: TestClient, seconds: float, status: int) -> None:
    before = counted("stale")
    assert post(http, told("delivered", sent(http)), at=time.time() + seconds).status_code == status
    assert counted("stale") == before + (status == 401)


def test_one_of_long_ago_that_is_not_signed_is_forged(http: TestClient) -> None:
    forged, stale = counted("bad_signature"), counted("stale")
    headers = {"webhook-signature": "v1,bm8="}
    assert code(post(http, b"{}", at=time.time() - 400, **headers)) == (401, "bad_signature")
    assert (counted("bad_signature"), counted("stale")) == (forged + 1, stale)


def test_a_body_too_large_is_counted(http: TestClient) -> None:
    before = counted("too_large")
    assert post(http, b" " * (2**20 + 1)).status_code == 413
    assert counted("too_large") == before + 1


def test_a_changed_body_does_not_fit() -> None:
    body = told("delivered", "o-1")
    headers = {
        "webhook-id": "m",
        "webhook-timestamp": "1000",
        "webhook-signature": signature(HOOK, "m", 1000, body),
    }
    assert verify([HOOK], headers, body, 1000) == "m"
    with pytest.raises(UnsignedError, match="none that fits"):
        verify([HOOK], headers, body + b" ", 1000)
    with pytest.raises(UnsignedError, match="five minutes"):
        verify([HOOK], headers, body, 1301)


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (b"not json", 400, "not_json"),
        (b"", 400, "not_json"),
        (b"\xff\xfe", 400, "not_json"),
        (b"[]", 422, "invalid"),
        (b'{"type": "message.opened", "data": {"outreach_id": "x"}}', 422, "invalid"),
        (b'{"type": "message.delivered"}', 422, "invalid"),
        (b'{"type": "message.delivered", "data": {"outreach_id": "a b"}}', 422, "invalid"),
        (told("bounced", "x", kind="medium"), 422, "invalid"),
        (told("bounced", "x", code="550 no such user\r\n"), 422, "invalid"),
        (told("delivered", "nobody"), 404, "unknown_outreach"),
        (b"[" * 5000, 400, "not_json"),
    ],
)
def test_nonsense_is_refused(http: TestClient, body: bytes, status: int, said: str) -> None:
    result = "left_out" if status == 404 else "malformed"
    before = counted(result)
    answer = post(http, body)
    assert code(answer) == (status, said), answer.text
    assert counted(result) == before + 1


def test_without_a_secret_nothing_is_taken(http: TestClient, settings: FollowupSettings) -> None:
    without = settings.model_copy(update={"delivery_secret": None})
    http.app.state.settings = without
    assert code(post(http, told("delivered", "x"))) == (404, "hook_off")


@pytest.mark.parametrize("secret", ["short", "whsec_c2hvcnQ=", f"{SECRET},x", SECRET[6:], " ", ","])
def test_a_bad_secret_stops_the_start(settings: FollowupSettings, secret: str) -> None:
    with pytest.raises(ValidationError, match="must be whsec_"):
        FollowupSettings.model_validate({**settings.model_dump(), "delivery_secret": secret})


@pytest.mark.parametrize("setting", [f"{SECRET},", f",{SECRET}", f"{SECRET}, ,{OTHER}"])
def test_a_comma_that_was_left_over_is_no_secret(setting: str) -> None:
    assert HOOK in signing_keys(SecretStr(setting))


def test_the_page_stays_as_it_was(http: TestClient) -> None:
    id = sent(http)
    (shown,) = items(http.get("/customers/c-1/outreach?status=sent", headers=KEY))
    assert (shown["outreach_id"], shown["delivered_at"], shown["bounce_code"]) == (id, None, None)
