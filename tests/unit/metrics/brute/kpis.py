"""Each KPI as a query over ``facts`` (``facts.sql``), of a window and a selection: value and basis."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import duckdb
from pydantic import BaseModel

from services.metrics.domain.churn_policy import ChurnPolicy
from services.metrics.domain.places import Selection
from shared.schemas.event import Event
from shared.schemas.times import DAY, micros

CURRENCIES = "(SELECT name FROM w WHERE kind = 'order' GROUP BY name ORDER BY count(*) DESC, name LIMIT 8)"


def _number(value: str, n: str) -> str:
    return f"SELECT {value}, {n} FROM w"


def _rate(part: str, whole: str) -> str:
    return _number(f"({part}) / nullif(({whole}), 0)", whole)


def _count(what: str, where: str = "w") -> str:
    return f"SELECT coalesce({what}, 0), coalesce({what}, 0) FROM {where}"


def _quantiles(kind: str) -> str:
    """The value at place floor(q (n - 1)), as the list has it."""
    return f"""SELECT [x[1 + floor(q * (n - 1))::INT] / 1e6 FOR q IN [0.5, 0.9, 0.99]], n FROM (
        SELECT list_sort(coalesce(list(x), [])) AS x, count(*) AS n FROM w WHERE kind = '{kind}')"""


def _answers(survey: str, value: str) -> str:
    return f"SELECT {value}, count(*) FROM w WHERE kind = '{survey}'"


def _clocks(*clocks: str) -> str:
    names = ", ".join(f"'{clock}'" for clock in clocks)
    return f"SELECT avg(x), count(*) FROM w WHERE kind = 'clock' AND name IN ({names})"


def _money(value: str, n: str = "sum(n)") -> str:
    return f"""SELECT coalesce(map_from_entries(list((name, {value}))), MAP {{}}), coalesce({n}, 0) FROM (
        SELECT name, count(*) AS n, sum(x) AS total FROM w WHERE kind = 'order' AND name IN {CURRENCIES}
        GROUP BY name)"""


def _tally(kind: str, most: int) -> str:
    return f"""WITH named AS (SELECT name, count(*) AS n FROM w WHERE kind = '{kind}' GROUP BY name),
        told AS (SELECT CASE WHEN name <> 'other' AND row_number() OVER (
                 ORDER BY name = 'other', n DESC, name) <= {most} THEN name ELSE 'other' END AS name, n
                 FROM named)
        SELECT coalesce(map_from_entries(list((name, n))), MAP {{}}), coalesce(sum(n), 0)
        FROM (SELECT name, sum(n) AS n FROM told GROUP BY name)"""


def _level(kind: str) -> str:
    return _count(f"sum(x) FILTER (kind = '{kind}')", "until")


_CUSTOMERS = "(SELECT count(DISTINCT subject) FROM w WHERE kind = 'order')"
_POINTS = "coalesce(sum(x) FILTER (kind = 'points' AND name IN ({})), 0)"
_EARNED = _POINTS.format("'earned', 'reversed'")
_REDEEMED = "-" + _POINTS.format("'redeemed', 'restored'")
_EXPIRED = "-" + _POINTS.format("'expired'")
_GONE = f"(greatest(0, {_EXPIRED}) + greatest(0, {_REDEEMED}))"
_WENT = "count(*) FILTER (kind = 'sent')"
_CLOCKS = ("first_response", "next_response", "update", "resolution")

QUERIES: Mapping[str, str] = {
    "nps": _answers("nps", "100 * avg(CASE WHEN x >= 9 THEN 1 WHEN x >= 7 THEN 0 ELSE -1 END)"),
    "csat": _answers("csat", "avg((x >= 4)::INT)"),
    "ces": _answers("ces", "avg(x)"),
    "sentiment": "SELECT avg(x) / 100, count(*) FROM w WHERE kind = 'sentiment'",
    "response_rate": "SELECT avg(x), count(*) FROM w WHERE kind = 'asked'",
    "first_response_s": _quantiles("first"),
    "next_response_s": _quantiles("next"),
    "resolution_s": _quantiles("resolution"),
    "open_complaints": _level("open"),
    "reopened_share": "SELECT avg(x), count(*) FROM w WHERE kind = 'solved'",
    "clocks_met": _clocks(*_CLOCKS),
    "first_response_met": _clocks("first_response"),
    "next_response_met": _clocks("next_response"),
    "update_met": _clocks("update"),
    "resolution_met": _clocks("resolution"),
    "root_causes": _tally("cause", 20),
    "repeat_purchase_rate": """SELECT avg((n > 1)::INT), count(*) FROM (
        SELECT count(DISTINCT us // 86_400_000_000) AS n FROM w WHERE kind = 'order' GROUP BY subject)""",
    "revenue": _money("total"),
    "order_value": _money("total / n"),
    "revenue_per_customer": _money(f"total / {_CUSTOMERS}", _CUSTOMERS),
    "redemption_rate": _number(
        f"CASE WHEN {_EARNED} > 0 THEN ({_REDEEMED}) / {_EARNED} END", f"greatest(0, {_EARNED})"
    ),
    "breakage": _number(f"CASE WHEN {_GONE} > 0 THEN greatest(0, {_EXPIRED}) / {_GONE} END", _GONE),
    # Members may owe points in all: as many as none are what that rests on.
    "points_liability": "SELECT points, greatest(0, points) FROM (SELECT {} AS points FROM until)".format(
        "coalesce(sum(x) FILTER (kind = 'points'), 0)"
    ),
    "outreach_sent": _count(_WENT),
    "outreach_reach": _rate(
        f"{_WENT} - coalesce(sum(x) FILTER (kind = 'sent'), 0)",
        f"{_WENT} + count(*) FILTER (kind = 'failed' OR (kind = 'refused' AND name <> 'holdout'))",
    ),
    "outreach_refusals": _tally("refused", 1_000),
    "outreach_lift": """WITH rules AS (
        SELECT count(*) FILTER (x = 0) AS treated, count(*) FILTER (x = 1) AS held,
               avg(y) FILTER (x = 0) - avg(y) FILTER (x = 1) AS lift FROM w WHERE kind = 'trial' GROUP BY name
    ) SELECT sum(lift * treated * held / (treated + held)) / sum(treated * held / (treated + held)),
             coalesce(sum(treated + held), 0) FROM rules WHERE treated > 0 AND held > 0""",
    "conversations_carried": _level("carried"),
    "conversations_taken": _count("count(*) FILTER (kind = 'taken')"),
    "agents_at_work": _level("at_work"),
    "agents_load": """SELECT CASE WHEN agents > 0 THEN carried / agents END, greatest(0, agents) FROM (
        SELECT coalesce(sum(x) FILTER (kind = 'at_work'), 0) AS agents,
               coalesce(sum(x) FILTER (kind = 'carried'), 0) AS carried FROM until)""",
}


class Brute:
    """The facts of a log, and KPIs counted from them."""

    def __init__(self, log: Iterable[Event], folder: Path) -> None:
        """``log`` in its order, with all copies."""
        self._db = duckdb.connect()
        self._db.execute("SET threads = 1")
        rows = folder / "log.jsonl"
        with rows.open("w", encoding="utf-8") as file:
            for pos, event in enumerate(log):
                file.write(json.dumps(_row(pos, event)) + "\n")
        columns = "{pos: 'BIGINT', uid: 'VARCHAR', subject: 'VARCHAR', source: 'VARCHAR', type: 'VARCHAR', "
        columns += "us: 'BIGINT', data: 'JSON'}"
        self._db.execute(f"CREATE TABLE log AS FROM read_json('{rows}', columns = {columns})")
        self._db.execute(Path(__file__).with_name("facts.sql").read_text(encoding="utf-8"))

    def choose(self, first: int, last: int | None, selected: Selection) -> None:
        """The window from day ``first`` to ``last``, or until now."""
        end = "TRUE" if last is None else f"us < {(last + 1) * DAY}"
        chosen = {name: getattr(selected, name) for name in Selection.__slots__}
        given = {name: value for name, value in chosen.items() if value is not None}
        where = " AND ".join([end, *(f"{name} = ${name}" for name in given)])
        self._db.execute(f"CREATE OR REPLACE TEMP TABLE until AS FROM facts WHERE {where}", given)
        self._db.execute(f"CREATE OR REPLACE TEMP TABLE w AS FROM until WHERE us >= {first * DAY}")

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Of what was chosen."""
        return self._db.execute(query).fetchall()

    def kpi(self, name: str) -> tuple[Any, int]:
        """Its value in what was chosen, and what that rests on."""
        found = self._db.execute(QUERIES[name]).fetchone()
        assert found is not None
        return found[0], int(found[1] or 0)

    def judge(self, policy: ChurnPolicy, today: int) -> None:
        """Who left when (``churn.sql``)."""
        given = {"quiet": policy.quiet, "bound": policy.alive_below or 0, "complaint": policy.complaint}
        for name, value in {**given, "today": today}.items():
            self._db.execute(f"SET VARIABLE {name} = {value}")
        self._db.execute(Path(__file__).with_name("churn.sql").read_text(encoding="utf-8"))

    def churn(self, quiet: int, first: int, last: int) -> tuple[int, int, Mapping[str, int]]:
        """Who could leave in a window, who did, and all the reasons."""
        within = f"leaves BETWEEN {first} AND {last}"
        could = f"(begun < {first} AND leaves >= {first} OR begun BETWEEN {first} AND {last - quiet - 1})"
        found = self._db.execute(
            f"SELECT count(*) FILTER ({could}), count(*) FILTER ({could} AND {within}) FROM stays"
        ).fetchone()
        reasons = f"SELECT reason, count(*) FROM stays WHERE {within} GROUP BY reason"
        assert found is not None
        return found[0], found[1], dict(self._db.execute(reasons).fetchall())


def _row(pos: int, event: Event) -> dict[str, Any]:
    assert isinstance(event.data, BaseModel)
    data = event.data.model_dump(mode="json", by_alias=True, exclude_unset=True)
    row = {"pos": pos, "uid": f"{event.source} {event.id} {event.subject}", "subject": event.subject}
    return {**row, "source": event.source, "type": event.type, "us": micros(event.time), "data": data}
