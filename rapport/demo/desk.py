"""The demo's last part: a Monday at the desk, with agents who have something to do."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from random import Random
from typing import Any
from urllib.parse import quote

from rich.console import Console
from rich.table import Table

from rapport.client import Client
from rapport.demo.settle import Settling
from rapport.demo.stack import DemoStack
from rapport.replay import desk
from rapport.replay.feed import feed
from rapport.replay.record import Record, rfc3339
from rapport.replay.sinks import KafkaSink
from rapport.trouble import TroubleError
from shared.kafka.brokers import Brokers

NOON = 0.7
"""After so much of the day agents have worked on what they had."""
_STATUSES = ("queued", "assigned", "waiting", "closed")
_MOST = 500


def work_a_day(
    stack: DemoStack, client: Client, settling: Settling, customers: Sequence[str], now: datetime, seed: int
) -> None:
    """Agents come to work, customers write, agents answer some of it; the clock is at ``now`` then. Raises
    TroubleError."""
    morning = now.replace(hour=desk.OPENS - 1, minute=30, second=0, microsecond=0)
    send(stack, [*desk.learnt(morning), *desk.people(morning)])
    settling.wait(None)
    draw = Random(f"{seed}:desk:work")
    borders = [morning, morning + NOON * (now - morning), now + timedelta(seconds=1)]
    records = desk.day(customers, now, seed)
    for begin, end in pairwise(borders):
        send(stack, [one for one in records if begin <= one.at < end])
        reached = min(end, now)
        stack.advance_clock(reached)
        settling.wait(reached)
        if reached < now:
            _work(client, draw)
    _leave_some(client, draw, now)


def send(stack: DemoStack, records: Iterable[Record]) -> None:
    """In the order of time."""
    with KafkaSink(Brokers(stack.env["RAPPORT_KAFKA"])) as sink:
        feed(sorted(records, key=lambda one: one.at), sink)


def complainants(records: Iterable[Record], customers: Sequence[str]) -> list[str]:
    """All customers, those first who have complained during the year, the last one first."""
    when = {one.key: one.at for one in records if one.topic == "complaints"}
    return sorted(customers, key=lambda id: (-when[id].timestamp() if id in when else 0.0, id))


def _work(client: Client, draw: Random) -> None:
    """Whoever has something answers it; most of it is done then."""
    for one in _with_agents(client):
        id = one["conversation_id"]
        _act(client, one, "messages", text=_answer(client, one), agent_id=one["agent_id"])
        if draw.random() < 0.85:
            for complaint in _detail(client, one)["complaints"]:
                solved = {"resolution": "Looked into, and put right.", "root_cause": "other"}
                _post(client, f"/complaints/{complaint}/resolve", one, f"{id}-resolve", solved)
            _act(client, one, "close", outcome="solved")


def _leave_some(client: Client, draw: Random, now: datetime) -> None:
    """As the desk is opened: some answered and waiting, some with notes, one that rests, the others new."""
    for number, one in enumerate(_with_agents(client)):
        agent = one["agent_id"]
        for complaint in _detail(client, one)["complaints"] if number % 3 else ():
            _post(client, f"/complaints/{complaint}/change", one, f"{complaint}-whose", {"assignee": agent})
        if number % 4 == 1:
            _act(client, one, "messages", text=_answer(client, one), agent_id=agent)
        elif number % 4 == 2:
            _act(client, one, "notes", text="Has been with us for years: please be generous.", agent_id=agent)
        if number % 7 == 3:
            until = rfc3339(now + timedelta(hours=draw.randint(14, 20)))
            _act(client, one, "snooze", until=until, reason="The store looks for the receipt until tomorrow.")


def _with_agents(client: Client) -> list[Any]:
    """Conversations that wait for an agent's answer, those that began first, first."""
    found = client.get("interactions", f"/conversations?status=assigned&limit={_MOST}")["items"]
    return [one for one in reversed(found) if one["agent_id"] and _is_todays(one)]


def _is_todays(one: Any) -> bool:
    return str(one["conversation_id"]).startswith("desk-today")


def _detail(client: Client, one: Any) -> Any:
    path = f"/conversations/{one['conversation_id']}?customer_id={quote(one['customer_id'])}"
    return client.get("interactions", path)


def _answer(client: Client, one: Any) -> str:
    """What the desk's first macro says to this customer."""
    path = f"/conversations/{one['conversation_id']}/macros?customer_id={quote(one['customer_id'])}"
    macros = client.get("interactions", path)["items"]
    return next((item["text"] for item in macros if item["text"]), "I am looking into it now.")


def _act(client: Client, one: Any, action: str, **body: str) -> None:
    id = one["conversation_id"]
    _post(client, f"/conversations/{id}/{action}", one, f"{id}-{action}", body)


def _post(client: Client, path: str, one: Any, key: str, body: Any) -> None:
    """Under a key of its own, so that a demo says the same each time."""
    path += f"?customer_id={quote(one['customer_id'])}"
    status, answer = client.call("POST", "interactions", path, body, key=f"{key}-{one['updated_at']}"[:128])
    if status >= 300:
        raise TroubleError(f"interactions answered {status} to POST {path}: {str(answer)[:200]}.")


def show_desk(console: Console, client: Client, *, kept: bool) -> None:
    """How the desk stands, and where it is."""
    found = client.items("interactions", f"/conversations?limit={_MOST}")
    today = [one for one in found if _is_todays(one)]
    by_team: dict[str, Counter[str]] = {}
    for one in today:
        by_team.setdefault(one["team"] or "-", Counter())[one["status"]] += 1
    table = Table(title="the desk, on the Monday after", title_justify="left")
    table.add_column("team")
    for status in _STATUSES:
        table.add_column(status, justify="right")
    for team, counts in sorted(by_team.items()):
        table.add_row(team, *(str(counts[status]) for status in _STATUSES))
    console.print(table)
    where = f"{client.urls['interactions']}/desk"
    words = f"[bold]The desk[/bold]{'' if kept else ', with KEEP=1'}: {where}"
    console.print(f"\n{words}", soft_wrap=True, highlight=False)
    if kept:
        words = f"  sign in with the key RAPPORT_API_KEY of the stack's env file, as {desk.PEOPLE[0].id}"
        console.print(words, soft_wrap=True)
