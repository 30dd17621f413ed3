"""Idempotent writes: one command, one outcome, the same answer however often it is asked."""

import asyncio
import time
from datetime import UTC, datetime
from typing import Any, ClassVar

import jwt
import pytest
from pydantic import SecretStr
from pymongo.errors import ServerSelectionTimeoutError
from starlette.testclient import TestClient

from shared.runtime.digest import digest
from shared.schemas.commands import Command

PATH = "/members/cust-1/redemptions"
BODY = {"reward_id": "mug"}
KEY = {"X-API-Key": "an-api-key-for-tests"}
ISSUED = {"status": 201, "body": {"voucher_code": "ABCD", "balance": 5}}


def with_key(key: str) -> dict[str, str]:
    return {**KEY, "Idempotency-Key": key}


def test_the_command_event_is_what_the_contract_says(api: Any, publisher: Any) -> None:
    publisher.worker = lambda event: ISSUED
    answer = api.post(PATH, json=BODY, headers=with_key("k-1"))
    assert (answer.status_code, answer.json()) == (201, {"voucher_code": "ABCD", "balance": 5})
    (record,) = publisher.records
    assert (record.topic, record.key) == ("commands", b"cust-1")
    event = publisher.event(record)
    assert event.uid == "/api/loyalty/api-key/members.redemptions k-1"
    assert (event.type, event.subject) == ("rapport.loyalty.redemption.requested.v1", "cust-1")
    assert event.data.model_dump() == BODY


def test_the_same_key_again_answers_the_same_and_sends_nothing(api: Any, publisher: Any) -> None:
    publisher.worker = lambda event: ISSUED
    first = api.post(PATH, json=BODY, headers=with_key("k-1"))
    publisher.worker = None
    second = api.post(PATH, json=BODY, headers=with_key("k-1"))
    assert (second.status_code, second.json()) == (first.status_code, first.json())
    assert len(publisher.records) == 1


def test_without_a_key_each_request_is_its_own(api: Any, publisher: Any) -> None:
    publisher.worker = lambda event: ISSUED
    for _ in range(2):
        assert api.post(PATH, json=BODY, headers=KEY).status_code == 201
    assert len({publisher.event(record).id for record in publisher.records}) == 2


@pytest.mark.parametrize(
    ("path", "body"), [(PATH, {"reward_id": "hat"}), ("/members/cust-2/redemptions", BODY)]
)
def test_the_same_key_for_something_else_is_refused(
    api: Any, publisher: Any, path: str, body: dict[str, str]
) -> None:
    publisher.worker = lambda event: ISSUED
    api.post(PATH, json=BODY, headers=with_key("k-1"))
    answer = api.post(path, json=body, headers=with_key("k-1"))
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_mismatch")
    assert answer.json()["errors"][0]["field"] == "header.Idempotency-Key"
    assert len(publisher.records) == 1


def test_two_at_once_under_one_key_cannot_take_each_others_answer(
    api: Any, publisher: Any, database: Any
) -> None:
    """The journal is empty when asked first; by then another body has won."""
    uid = "/api/loyalty/api-key/members.redemptions k-1"
    rows = database["journal"].rows
    original = publisher.publish

    async def racing(records: Any) -> None:
        rows[uid] = {"_id": uid, "digest": "another", "outcome": ISSUED}
        await original(records)

    publisher.publish = racing
    answer = api.post(PATH, json=BODY, headers=with_key("k-1"))
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_mismatch")


def test_a_refusal_is_a_problem_now_and_later(api: Any, publisher: Any) -> None:
    refusal = {"code": "insufficient_points", "detail": "It costs 10 more.", "field": "reward_id"}
    publisher.worker = lambda event: {"status": 409, "body": refusal}
    for _ in range(2):
        answer = api.post(PATH, json=BODY, headers=with_key("k-1"))
        assert answer.status_code == 409
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json() == {
            "type": "about:blank",
            "title": "Conflict",
            "status": 409,
            "code": "insufficient_points",
            "detail": "It costs 10 more.",
            "errors": [{"field": "reward_id", "code": "insufficient_points", "detail": "It costs 10 more."}],
        }
    assert len(publisher.records) == 1


def test_an_answer_that_meets_the_end_of_the_time_does_not_undo_it(
    api: Any, database: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The driver waits by ``asyncio.wait_for``, which in Python 3.11 drops a cancellation then."""
    asked = 0

    async def meeting(query: Any) -> None:
        nonlocal asked
        asked += 1
        assert asked < 20, "it goes on asking after its time"
        try:
            await asyncio.sleep(60.0 if asked == 1 else 0.0)
        except asyncio.CancelledError:
            return

    monkeypatch.setattr(database["journal"], "find_one", meeting)
    assert api.post(PATH, json=BODY, headers=KEY).status_code == 202
    assert asked == 1


def test_no_outcome_in_time_is_202_and_a_place_to_ask(api: Any, publisher: Any, database: Any) -> None:
    answer = api.post(PATH, json=BODY, headers=with_key("k-1"))
    assert answer.status_code == 202
    location = answer.headers["location"]
    assert answer.json() == {"status": "pending", "location": location}
    assert location.startswith("/commands/")
    pending = api.get(location, headers=KEY)
    assert (pending.status_code, pending.headers["location"]) == (202, location)

    event = publisher.event(publisher.records[0])
    asked = digest("cust-1", event.data)
    database["journal"].rows[event.uid] = {"_id": event.uid, "digest": asked, "outcome": ISSUED}
    done = api.get(location, headers=KEY)
    assert (done.status_code, done.json()) == (201, ISSUED["body"])
    again = api.post(PATH, json=BODY, headers=with_key("k-1"))
    assert (again.status_code, len(publisher.records)) == (201, 1)


def test_a_token_is_good_only_for_its_caller_and_as_it_was_given(api: Any, publisher: Any) -> None:
    location = api.post(PATH, json=BODY, headers=KEY).headers["location"]
    assert api.get(location).status_code == 401
    for bad in (location[:-1] + ("A" if location[-1] != "A" else "B"), "/commands/x.y", "/commands/é"):
        answer = api.get(bad, headers=KEY)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_a_bad_key_or_customer_is_named(api: Any, publisher: Any) -> None:
    answer = api.post(PATH, json=BODY, headers=with_key("not an id"))
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert answer.json()["errors"][0]["field"] == "header.Idempotency-Key"
    answer = api.post("/members/no%20id/redemptions", json=BODY, headers=KEY)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "subject")
    assert publisher.records == []


def test_half_a_surrogate_pair_is_the_callers_fault(api: Any, publisher: Any) -> None:
    body = b'{"reward_id": "mug", "note": "\\ud800"}'
    answer = api.post(PATH, content=body, headers={**KEY, "content-type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert publisher.records == []


def test_the_broker_away_is_503_and_nothing_is_claimed(api: Any, publisher: Any) -> None:
    publisher.ready = False
    answer = api.post(PATH, json=BODY, headers=with_key("k-1"))
    assert (answer.status_code, answer.json()["code"]) == (503, "broker_unavailable")
    assert int(answer.headers["retry-after"]) > 0


def test_the_store_away_before_is_503_after_is_202(api: Any, publisher: Any, database: Any) -> None:
    database.error = ServerSelectionTimeoutError("no server")
    answer = api.post(PATH, json=BODY, headers=with_key("k-1"))
    assert (answer.status_code, answer.json()["code"]) == (503, "store_unavailable")
    assert publisher.records == []
    # Without a key nothing is asked before, and once sent it is accepted.
    assert api.post(PATH, json=BODY, headers=KEY).status_code == 202
    assert len(publisher.records) == 1


def test_the_trace_goes_on_in_the_event(api: Any, publisher: Any) -> None:
    publisher.worker = lambda event: ISSUED
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    api.post(PATH, json=BODY, headers={**KEY, "traceparent": parent})
    api.post(PATH, json=BODY, headers=KEY)
    traced, plain = (publisher.event(record).traceparent for record in publisher.records)
    assert traced is not None
    assert traced.split("-")[1] == parent.split("-")[1]
    assert plain is None


class Asked(Command):
    event_type: ClassVar[str] = "t"
    caller: ClassVar[frozenset[str]] = frozenset({"asked_by"})


class AskedOtherwise(Command):
    event_type: ClassVar[str] = "u"


def of(subject: str, kind: type[Command] = Asked, **data: Any) -> str:
    return digest(subject, kind.model_validate(data))


def test_the_digest_ignores_order_nulls_and_who_asks_only() -> None:
    base = of("c", a=1, b={"x": 1, "y": 2})
    assert of("c", b={"y": 2, "x": 1}, a=1, new=None, asked_by="me") == base
    others = [
        of("d", a=1, b={"x": 1, "y": 2}),
        of("c", AskedOtherwise, a=1, b={"x": 1, "y": 2}),
        of("c", a="1", b={"x": 1, "y": 2}),
        of("c", a=1, b={"x": 1, "y": None}),
    ]
    assert len({base, *others}) == 5


def test_the_commands_time_is_the_clocks(api: Any, publisher: Any) -> None:
    publisher.worker = lambda event: ISSUED
    before = datetime.now(UTC)
    api.post(PATH, json=BODY, headers=KEY)
    assert before <= publisher.event(publisher.records[0]).time <= datetime.now(UTC)


LONG_NAMES = ["ä" * 128, "ä" * 127 + "b", "a" * 256, "a" * 255 + "b", "日" * 256, "a/b" * 60, "\ud800" * 99]


def test_no_principals_name_makes_a_source_too_long(make_app: Any, settings: Any, publisher: Any) -> None:
    """The worker would refuse the record, and the caller wait for ever; and each has a source of its own."""
    publisher.worker = lambda event: ISSUED
    secret = "a secret of at least 32 characters"
    claims = {"exp": time.time() + 60, "scope": "loyalty:redeem"}
    app = make_app(settings.model_copy(update={"jwt_secret": SecretStr(secret)}))
    with TestClient(app) as api:
        for name in LONG_NAMES:
            token = jwt.encode(claims | {"sub": name}, secret)
            headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": "k-1"}
            for _ in range(2):  # the second is a retry: nothing is sent
                assert api.post(PATH, json=BODY, headers=headers).status_code == 201, name
    sources = {publisher.event(record).source for record in publisher.records}
    assert len(sources) == len(publisher.records) == len(LONG_NAMES)
    assert all(len(source) <= 256 for source in sources)
