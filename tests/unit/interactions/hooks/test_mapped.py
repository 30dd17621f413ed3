"""Webhooks that a mapping file reads, over HTTP: signed by Standard Webhooks, to a customer's page."""

import base64
import json
import time
import uuid
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from services.interactions.hooks.opening import CHAT, load_hooks, open_hooks
from services.interactions.settings import InteractionsSettings
from shared.mapping.file import load_mapping
from shared.runtime.config import ConfigError
from shared.runtime.settings import Settings
from shared.runtime.webhooks import signature, signing_key
from shared.schemas.interactions import ConversationClosed, InteractionLogged

from .test_routes import counted, customer
from .test_routes import shops as shops

NEW = f"whsec_{base64.b64encode(b'n' * 32).decode()}"
OLD = f"whsec_{base64.b64encode(b'o' * 32).decode()}"
RECORDED: list[dict[str, Any]] = json.loads(CHAT.with_name("chat.sample.json").read_text())
CRM = """
source: /crm
events:
  - type: interaction.logged
    subject: {email: row.mail}
    time: row.at
    data: {channel: {is: phone}, direction: {is: inbound}, kind: {is: call}, summary: row.about}
"""


@pytest.fixture
def own(settings: Settings, tmp_path: Path) -> InteractionsSettings:
    (tmp_path / "crm.yaml").write_text(CRM, encoding="utf-8")
    told = {"chat_secret": f"{NEW},{OLD}", "hooks": tmp_path, "hook_secrets": {"crm": NEW}}
    return InteractionsSettings.model_validate({**settings.model_dump(), **told})


@pytest.fixture
def http(shops: TestClient, own: InteractionsSettings) -> TestClient:
    open_hooks(shops.app, own)  # type: ignore[arg-type]  # Starlette's client says no more of its app
    return shops


def post(
    http: TestClient,
    name: str,
    body: Any,
    *,
    secret: str = NEW,
    at: float | None = None,
    id: str | None = None,
) -> httpx.Response:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    id, seconds = id or uuid.uuid4().hex, int(at or time.time())
    signed = signature(signing_key(secret), id, seconds, raw)
    headers = {"webhook-id": id, "webhook-timestamp": str(seconds), "webhook-signature": signed}
    return http.post(f"/hooks/{name}", content=raw, headers=headers)


def message(address: str, **changed: Any) -> dict[str, Any]:
    sender = {"id": 5, "type": "contact", "email": address}
    conversation = {"id": uuid.uuid4().int % 10**9, "meta": {"sender": sender}}
    told = {"id": uuid.uuid4().int % 10**9, "sender": sender, "conversation": conversation}
    return RECORDED[0] | told | changed


@pytest.fixture
def address() -> str:
    return f"{uuid.uuid4().hex[:10]}@example.com"


def test_a_chat_is_a_conversation_of_whoever_writes(http: TestClient, address: str) -> None:
    told = message(address)
    assert post(http, "chat", told).json() == {"accepted": 1, "left_out": None}
    assert post(http, "chat", told, secret=OLD).status_code == 202  # told twice, and while secrets change
    shown = customer(http, f"email:{address}")
    rows = http.get(
        f"/customers/{shown['customer_id']}/timeline", headers={"X-API-Key": "an-api-key-for-tests"}
    )
    logged = [row for row in rows.json()["items"] if row["type"] == InteractionLogged.event_type]
    assert [row["summary"] for row in logged] == ["Inbound chat, message: Where is my parcel?"]


def test_a_note_is_left_out(http: TestClient, address: str) -> None:
    before = counted("chat", "left_out")
    answer = post(http, "chat", message(address, private=True))
    assert (answer.status_code, answer.json()) == (202, {"accepted": 0, "left_out": "when"})
    assert counted("chat", "left_out") == before + 1


def test_what_was_recorded() -> None:
    """The mapping that ships, on payloads of real shape."""
    from datetime import UTC, datetime

    mapping = load_mapping(CHAT)
    events = [mapping.over().events(record, datetime.now(UTC), "m")[0].event for record in mapping.sample]
    asked, answered, closed = (event.data for event in events)
    assert isinstance(asked, InteractionLogged)
    assert isinstance(answered, InteractionLogged)
    assert isinstance(closed, ConversationClosed)
    assert (asked.direction, asked.author, asked.agent_id) == ("inbound", "customer", None)
    assert (answered.direction, answered.author, answered.agent_id) == ("outbound", "agent", "chat-7")
    assert asked.conversation_id == answered.conversation_id == closed.conversation_id == "chat-95"
    assert [event.subject for event in events] == [
        "email:ann@example.com",
        "account:chat-812",
        "email:ann@example.com",
    ]


def test_another_hook_and_several_records(http: TestClient, address: str) -> None:
    record = {"mail": address, "at": "2026-03-01T00:00:00Z", "about": "prices"}
    assert post(http, "crm", [record, record]).json()["accepted"] == 2
    assert post(http, "crm", record, id="m-1").json()["accepted"] == 1
    assert customer(http, f"email:{address}")["customer_id"]
    assert counted("crm", "accepted") >= 2


@pytest.mark.parametrize(
    ("body", "secret", "late", "status", "said", "result"),
    [
        ({}, f"whsec_{base64.b64encode(b'x' * 32).decode()}", 0, 401, "has none that fits", "bad_signature"),
        ({}, NEW, -400, 401, "more than five minutes", "stale"),
        ({}, NEW, 400, 401, "more than five minutes", "stale"),
        (b'{"mail": "secret@example.com"', NEW, 0, 400, "it is no JSON", "malformed"),
        ([1], NEW, 0, 400, "it is no JSON object", "malformed"),
        ({"mail": "secret@example.com"}, NEW, 0, 400, "time: is not known", "malformed"),
        (
            {"mail": "secret at example", "at": "2026-03-01T00:00:00Z"},
            NEW,
            0,
            400,
            "data.summary",
            "malformed",
        ),
        (
            {"mail": "secret at example", "at": "2026-03-01T00:00:00Z", "about": "x"},
            NEW,
            0,
            400,
            "subject: This is no alias",
            "malformed",
        ),
    ],
)
def test_what_is_refused_is_counted_and_not_in_the_log(
    http: TestClient, body: Any, secret: str, late: int, status: int, said: str, result: str
) -> None:
    before = counted("crm", result)
    with capture_logs() as logged:
        answer = post(http, "crm", body, secret=secret, at=time.time() + late)
    assert answer.status_code == status, answer.text
    assert said in answer.json()["detail"]
    assert counted("crm", result) == before + 1
    assert "secret" not in f"{logged} {answer.text}"


def test_a_body_too_large_is_counted(http: TestClient) -> None:
    before = counted("chat", "too_large")
    assert post(http, "chat", b" " * (2**20 + 1)).status_code == 413
    assert counted("chat", "too_large") == before + 1


def test_hooks_that_are_not_there(http: TestClient) -> None:
    answer = post(http, "erp", {})
    assert (answer.status_code, answer.json()["code"]) == (404, "hook_off")
    http.app.state.hooks = {}  # type: ignore[attr-defined]  # Starlette's client says no more of its app
    assert "RAPPORT_CHAT_SECRET" in post(http, "chat", {}).json()["detail"]


@pytest.mark.parametrize(
    ("name", "text", "secrets", "said"),
    [
        ("erp", CRM, {}, "RAPPORT_HOOK_SECRETS must say what hook erp is signed with"),
        ("Big Name", CRM, {"Big Name": NEW}, "needs another name, of a-z"),
        ("shopify", CRM, {"shopify": NEW}, "needs another name"),
        (
            "erp",
            CRM.replace("row.at", "row."),
            {"erp": NEW},
            "line 6, column 11: events[0].time",
        ),
        (
            "erp",
            "source: /crm\nevents: [{type: compensation.granted, subject: row.id, time: row.at, "
            "data: {complaint_id: row.id, kind: {is: points}}}]",
            {"erp": NEW},
            "needs the scope admin",
        ),
    ],
)
def test_hooks_that_cannot_be(
    settings: Settings, tmp_path: Path, name: str, text: str, secrets: dict[str, str], said: str
) -> None:
    (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")
    told = {**settings.model_dump(), "hooks": tmp_path, "hook_secrets": secrets}
    with pytest.raises(ConfigError) as caught:
        load_hooks(InteractionsSettings.model_validate(told))
    assert said in str(caught.value)


def test_secrets_that_are_none(settings: Settings) -> None:
    for told in ({"chat_secret": "hello"}, {"hook_secrets": {"crm": "whsec_short"}}):
        with pytest.raises(ValueError, match="must be whsec_ and the base64 of 24 to 64 bytes"):
            InteractionsSettings.model_validate({**settings.model_dump(), **told})
