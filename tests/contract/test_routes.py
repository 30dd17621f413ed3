"""Each route that the outside contract names is there as it is written: what it takes, its status, and what
its answer has. That answers are as these documents say is tried by ``tests/integration/test_y_described.py``.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from shared.schemas.services import SERVICES

DOCUMENTS = Path(__file__).parents[2] / "docs" / "openapi"

EACH = """
GET /healthz 200
GET /readyz 200
GET /metrics 200
"""
WRITTEN = {
    "interactions": """
POST /events 202 accepted
GET /customers/{} ?at 200 profile consents channels open_complaints loyalty subscriptions health merged_from
GET /customers/{}/timeline ?channel ?type ?cursor ?limit 200 items cursor
GET /customers/{}/consents ?at 200 items cursor
GET /customers/{}/export 200
DELETE /customers/{} 202
GET /customers ?query ?alias 200 items cursor
POST /customers/{}/merge into reason 200
POST /customers/{}/unmerge into reason 200
GET /erasures/{} 200
POST /erasures/{}/lift 200
POST /complaints customer_id channel category severity description order_id conversation_id 201 complaint_id
GET /complaints/{} 200 history[type,time,summary,data] clocks[clock,state,due_at,used_s,policy,version]
GET /complaints ?status ?overdue ?assignee 200 items cursor
POST /complaints/{}/acknowledge message assignee 200
POST /complaints/{}/update message assignee promised_by 200
POST /complaints/{}/resolve resolution root_cause 200
POST /complaints/{}/reopen reason 200
POST /complaints/{}/close 200
POST /complaints/{}/compensate kind points reward_id money 200
POST /complaints/{}/wait reason 200
POST /complaints/{}/resume 200
POST /complaints/{}/change severity category assignee 200
POST /complaints/{}/approve 200
PUT /agents/{} team name skills languages capacity on_shift on_break 200
GET /agents 200 items cursor
GET /conversations ?status ?team 200 items cursor
GET /conversations/{} 200 status handled_by
POST /conversations/{}/messages 201
POST /conversations/{}/assign agent_id 200
POST /conversations/{}/return to reason 200
POST /conversations/{}/merge into 200
POST /conversations/{}/close outcome 200
GET /tasks 200 items cursor
POST /tasks/{}/done outcome 200
POST /hooks/shopify 202
POST /hooks/woocommerce 202
POST /hooks/chat 202
GET /commands/{} 202
""",
    "loyalty": """
GET /program 200
POST /members/{} 201
GET /members/{} 200 balance pending lifetime_points tier next_tier expiring[points,at]
GET /members/{}/ledger 200 items cursor
GET /rewards 200
POST /members/{}/redemptions reward_id 201 voucher_code balance
POST /members/{}/adjustments points reason 201
POST /members/{}/quote total items voucher_codes 200
POST /vouchers/{}/redeem 200
POST /vouchers/{}/cancel 200
POST /vouchers/{}/reserve 200
POST /vouchers/{}/release 200
GET /m/{} 200
GET /commands/{} 202
""",
    "followup": """
GET /rules 200
GET /customers/{}/outreach ?status 200 items cursor
POST /outreach customer_id template channel at variables 201
POST /rules/{}/preview customer_id 200
GET /rules/{}/results 200
GET /u/{} 200
POST /u/{} 200
GET /s/{} 200
POST /s/{} 200
GET /p/{} 200
POST /p/{} 200
POST /hooks/delivery 200
""",
    "metrics": """
GET /kpis ?window ?segment ?channel 200 nps csat ces first_response_s[p50,p90] resolution_s[p50,p90] \
open_complaints retention churn churn_reasons repeat_purchase_rate clv[mean,p50,p90] response_rate \
redemption_rate
GET /kpis/{}/series ?from ?to ?step 200
GET /kpis/{}/why ?day ?segment 200
GET /customers/{}/health 200 score drivers segment churn_probability clv
GET /cohorts ?by 200
GET /lifecycle 200
GET /segments 200
GET /themes 200
GET /anomalies 200
GET /dashboard 200
""",
}
"""By service: the method, the path, ``?`` a parameter of the query, fields of the body, the status, and
fields of the answer; in brackets those of the object there, or of each in the list."""


class Route(NamedTuple):
    service: str
    method: str
    path: str
    query: frozenset[str]
    body: frozenset[str]
    status: str
    answer: tuple[str, ...]


def routes() -> Iterator[Route]:
    for service, lines in WRITTEN.items():
        for line in (EACH.strip() + lines).strip().splitlines():
            found = re.fullmatch(r"([A-Z]+) (\S+)(.*?) (\d{3})(?: (.+))?", line)
            assert found, line
            method, path, taken, status, answer = found.groups()
            query = frozenset(word[1:] for word in taken.split() if word.startswith("?"))
            body = frozenset(word for word in taken.split() if not word.startswith("?"))
            yield Route(service, method, path, query, body, status, tuple((answer or "").split()))


def document(service: str) -> Any:
    return json.loads((DOCUMENTS / f"{service}.json").read_text(encoding="utf-8"))


def resolved(schema: Mapping[str, Any], whole: Any) -> list[Mapping[str, Any]]:
    """All that a value may be: what is referred to, one of several, null left out."""
    if "$ref" in schema:
        return resolved(_at(whole, schema["$ref"]), whole)
    several = [*schema.get("anyOf", ()), *schema.get("oneOf", ()), *schema.get("allOf", ())]
    return [one for part in several for one in resolved(part, whole)] or [schema]


def _at(whole: Any, place: str) -> Any:
    for step in place.removeprefix("#/").split("/"):
        whole = whole[step]
    return whole


def fields(schema: Mapping[str, Any], whole: Any) -> dict[str, Any]:
    """Of the object, or of each object of a list."""
    found: dict[str, Any] = {}
    for one in resolved(schema, whole):
        found |= fields(one["items"], whole) if "items" in one else one.get("properties", {})
    return found


def of_json(content: Mapping[str, Any]) -> Any:
    """The schema of what is JSON; an empty one where it is something else."""
    return next((kind["schema"] for media, kind in content.items() if "json" in media), {})


@pytest.mark.parametrize(
    "route", [*routes()], ids=lambda route: f"{route.service} {route.method} {route.path}"
)
def test_a_route_is_as_it_is_written(route: Route) -> None:
    whole = document(route.service)
    places = {re.sub(r"\{\w+\}", "{}", path): methods for path, methods in whole["paths"].items()}
    operation = places[route.path][route.method.lower()]
    query = {one["name"] for one in operation.get("parameters", ()) if one["in"] == "query"}
    assert route.query <= query
    taken = fields(of_json(operation.get("requestBody", {}).get("content", {})), whole)
    assert route.body <= taken.keys()
    answer = of_json(operation["responses"][route.status].get("content", {}))
    for named in route.answer:
        name, _, inside = named.removesuffix("]").partition("[")
        assert name in (told := fields(answer, whole))
        assert {*inside.split(",")} - {""} <= fields(told[name], whole).keys(), name


def test_every_service_is_written_of() -> None:
    assert WRITTEN.keys() == {*SERVICES}
