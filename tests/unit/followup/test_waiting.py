"""What only waits is shown as waiting, with what holds it and until when: by the API's lists and previews."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from services.followup.domain.rows import CEILINGS, PACE, PAUSES
from shared.schemas.times import micros

from .apiworker import DAYTIME, KEY, Worker, app_of, settings_for, working
from .driver import DAY, HOUR, granted, purchase, tier
from .test_api import items

RULES = """
name: waits
sender: {name: Store, address: hello@store.example}
rate_limits: {email: {max: 2, per: 1h}}
warm_up: {start: TODAY, first: 5}
outranked_within: 3h
frequency_cap: {max: 9, per: 30d}
templates: {thank-you: {purpose: marketing}}
rules:
  - {name: thanks, triggers: [purchase.made], for_each: order_id, delay: 1h, template: thank-you, priority: 5}
  - {name: lesser, triggers: [purchase.made], every: true, delay: 0s, template: thank-you}
"""


def soon(hours: int) -> datetime:
    return datetime.now(UTC).replace(microsecond=0) + timedelta(hours=hours)


@pytest.fixture
def limited(mongo_uri: str, tmp_path: Path) -> Iterator[tuple[TestClient, Worker]]:
    file = tmp_path / "rules.yaml"
    file.write_text(RULES.replace("TODAY", f"{datetime.now(UTC):%Y-%m-%d}"))
    settings = settings_for(mongo_uri, rules=file)
    with working(settings) as worker:
        for name in (PACE, PAUSES, CEILINGS):
            worker.store[name].delete_many({})
        worker.event(granted())
        worker.save()
        worker.instant = False
        with TestClient(app_of(settings, worker)) as http:
            yield http, worker


def waiting(http: TestClient, query: str = "?status=waiting") -> list[tuple[str, str, str | None]]:
    """Rule, reason and detail of each."""
    found = items(http.get(f"/customers/c-1/outreach{query}", headers=KEY))
    assert all(one["status"] == "waiting" for one in found)
    return [(one["rule"], one["waiting"]["reason"], one["waiting"]["detail"]) for one in found]


def steps(http: TestClient, rule: str) -> dict[str, tuple[str, str | None]]:
    answer = http.post(f"/rules/{rule}/preview", json={"customer_id": "c-1"}, headers=KEY).json()
    found = {one["step"]: (one["verdict"], one["detail"]) for one in answer["steps"]}
    return {"": (answer["decision"], answer["reason"]), **found}


def ready(worker: Worker, **changes: Any) -> str:
    """A message of ``thanks`` that was decided to go; changes of its row."""
    worker.event(purchase(f"o-{len(worker.rows)}"))
    worker.after(2 * HOUR)
    worker.save()
    (row,) = [one for one in worker.rows.values() if one["rule"] == "thanks"]
    now = datetime.now(UTC) - timedelta(minutes=1)
    told = {"not_before": now, "updated_at": now, **changes}
    worker.store["deliveries"].update_one({"_id": row["_id"]}, {"$set": told})
    worker.store["deliveries"].delete_many({"rule": "lesser"})
    return str(row["_id"])


def test_what_the_gate_holds_is_listed_as_waiting(http: TestClient, worker: Worker) -> None:
    worker.event(granted())
    worker.until(DAYTIME + 10 * HOUR)
    worker.event(purchase())
    worker.after(HOUR)
    worker.save()
    [planned] = items(http.get("/customers/c-1/outreach?status=scheduled", headers=KEY))
    assert (planned["rule"], planned["waiting"]) == ("thank-you", None)
    worker.after(2 * HOUR)
    worker.save()
    assert waiting(http) == [("thank-you", "quiet_hours", None)]
    assert items(http.get("/customers/c-1/outreach?status=scheduled", headers=KEY)) == []
    worker.until(DAYTIME + 10 * HOUR + 60 * DAY)
    worker.save()  # a win-back in the night, which has no row before it is decided
    assert waiting(http) == [("win-back", "quiet_hours", None)]
    everything = items(http.get("/customers/c-1/outreach", headers=KEY))
    assert [(one["rule"], one["status"]) for one in everything] == [
        ("win-back", "waiting"),
        ("thank-you", "sent"),
    ]


def test_what_yields_is_listed_as_waiting(limited: tuple[TestClient, Worker]) -> None:
    http, worker = limited
    worker.event(purchase())
    worker.save()
    assert waiting(http) == [("lesser", "outranked", "thanks matters more")]


def test_the_rate_limit_of_the_channel(limited: tuple[TestClient, Worker]) -> None:
    http, worker = limited
    assert steps(http, "thanks")["rate_limited"] == ("pass", None)
    free = soon(1)
    worker.store[PACE].insert_one({"_id": "email", "at": micros(free)})
    ready(worker)
    assert waiting(http) == [("thanks", "rate_limited", "email sends 2 in 1h")]
    (one,) = items(http.get("/customers/c-1/outreach?status=waiting", headers=KEY))
    assert one["waiting"]["until"] == free.isoformat().replace("+00:00", "Z")
    told = steps(http, "thanks")
    assert told["rate_limited"] == ("wait", "email sends 2 in 1h, 1 before it")
    assert told[""] == ("wait", "rate_limited")


def test_past_its_last_moment_the_limit_refuses(limited: tuple[TestClient, Worker]) -> None:
    http, worker = limited
    worker.store[PACE].insert_one({"_id": "email", "at": micros(soon(24 * 9))})
    told = steps(http, "thanks")
    assert (told[""], told["rate_limited"][0]) == (("suppress", "rate_limited"), "refuse")


def test_a_pause_and_a_ceiling(limited: tuple[TestClient, Worker]) -> None:
    http, worker = limited
    pause = {"_id": "thanks example.org", "rule": "thanks", "domain": "example.org", "why": "bounces"}
    worker.store[PAUSES].insert_one({**pause, "until": soon(5)})
    told = steps(http, "thanks")
    assert told["rate_limited"] == ("wait", "thanks pauses for example.org: too many bounces")
    assert steps(http, "lesser")["rate_limited"] == ("pass", None)
    worker.store[CEILINGS].insert_one({"_id": f"{datetime.now(UTC):%Y-%m-%d} store.example", "sent": 5})
    assert steps(http, "lesser")["rate_limited"] == ("wait", "store.example is new: 5 a day")
    held = {"until": soon(5), "reason": "rate_limited", "detail": "thanks pauses for example.org"}
    ready(worker, not_before=soon(5), held=held)
    assert waiting(http) == [("thanks", "rate_limited", "thanks pauses for example.org")]


def test_what_was_refused_for_now_is_tried_again_then(http: TestClient, worker: Worker) -> None:
    worker.event(granted())
    worker.instant = False
    worker.event(purchase())
    worker.after(3 * HOUR)
    worker.save()
    told = {"not_before": soon(1), "error": "450 later", "attempt": 1}
    worker.store["deliveries"].update_many({"rule": "thank-you"}, {"$set": told})
    assert waiting(http) == [("thank-you", "retry", "450 later")]
    worker.store["deliveries"].update_many({"rule": "thank-you"}, {"$set": {"not_before": soon(-1)}})
    assert waiting(http) == []
    [on_its_way] = items(http.get("/customers/c-1/outreach?status=ready", headers=KEY))
    assert on_its_way["waiting"] is None


def test_what_waits_for_its_turn_says_how_many_are_before_it(http: TestClient, worker: Worker) -> None:
    worker.event(granted())
    worker.instant = False
    worker.event(purchase())
    worker.after(3 * HOUR)
    worker.save()
    worker.store["deliveries"].update_many({}, {"$set": {"not_before": soon(-1), "updated_at": soon(-1)}})
    for number in range(3):
        row = {"_id": f"x-{number}", "status": "ready", "channel": "email", "not_before": soon(-2)}
        worker.store["deliveries"].insert_one({**row, "customer": "c-9"})
    assert waiting(http) == [("thank-you", "turn", "3 before it by email")]


def test_what_goes_in_the_mail_of_another_waits_as_that_does(http: TestClient, worker: Worker) -> None:
    worker.event(granted())
    worker.instant = False
    worker.event(tier("gold"))
    worker.event(purchase())
    worker.after(HOUR)
    worker.save()
    assert waiting(http) == [("tier-up", "bundle", "to go in one mail with thank-you")]
    worker.after(2 * HOUR)
    worker.save()
    held = {"not_before": soon(1), "held": {"until": soon(1), "reason": "rate_limited", "detail": "slow"}}
    worker.store["deliveries"].update_many({"text": {"$exists": True}}, {"$set": held})
    assert {rule: why for rule, why, _ in waiting(http)} == dict.fromkeys(
        ("tier-up", "thank-you"), "rate_limited"
    )
    both = items(http.get("/customers/c-1/outreach", headers=KEY))
    (mail,) = {one["mail"] for one in both}
    assert mail in {one["outreach_id"] for one in both}
