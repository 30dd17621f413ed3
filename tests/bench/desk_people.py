"""Customers for a store full of them: lives that the domain has folded, copied under other ids and names."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from services.interactions.domain.routing.state import Agent, Team, Waiting
from services.interactions.domain.rows import sort_key
from services.interactions.domain.search import THING, samples
from services.interactions.domain.state import Customer
from services.interactions.settings import InteractionsSettings
from services.interactions.worker import handler
from shared.journal.later import state_text
from shared.journal.testing import InMemoryWorker
from shared.runtime.mongo import Document
from shared.schemas.base import Data
from shared.schemas.complaints import ComplaintAcknowledged, ComplaintOpened
from shared.schemas.customers import ConsentChanged, CustomerRegistered
from shared.schemas.event import Event
from shared.schemas.feedback import SurveyAnswered
from shared.schemas.interactions import ConversationAssigned, ConversationClosed, InteractionLogged
from shared.schemas.outreach import OutreachSuppressed
from shared.schemas.purchases import PurchaseMade
from shared.schemas.times import micros

NOW = datetime.now(UTC)
KINDS = 20
"""Of customers of whom something is open; as many others are quiet."""
OPEN_OF, OF = 20, 1_000
"""Of so many customers so many have something open."""
COLLECTIONS = ("timeline", "complaints", "conversations", "customers", "search")
AGENTS, WAITING = 500, 1_000
ANN = "ann"
FIRST = ("Anna", "Bo", "Cem", "Dora", "Emil", "Fay", "Gus", "Hana", "Ivo", "Jo")
TEAM = "service"


class Model(NamedTuple):
    """A customer as the store has them."""

    id: str
    state: str
    rows: Mapping[str, str]
    """Collection -> its documents as JSON text."""
    busy: str
    """A row of the timeline, for those who have many."""


def name_of(number: int) -> str:
    """A customer's id."""
    return f"cust-{number:07d}"


def surname(number: int) -> str:
    """Five letters, of each customer others: in the search each is found by their own."""
    letters = ""
    for _ in range(5):
        number, rest = divmod(number * 7 + 11, 26)
        letters = chr(ord("a") + rest) + letters
    return f"{letters}{number}".replace("0", "o")


def kind_of(number: int) -> int:
    """The model of a customer: the first of each thousand are those of whom something is open."""
    return number % KINDS + (0 if number % OF < OPEN_OF else KINDS)


def models(settings: InteractionsSettings) -> list[Model]:
    """Some who complain or wait for an answer, and as many with whom all is well."""
    return [_model(settings, number) for number in range(2 * KINDS)]


def _model(settings: InteractionsSettings, number: int) -> Model:
    id = f"model-{number:02d}"
    worker: InMemoryWorker[Any] = InMemoryWorker(handler(settings), now=NOW - timedelta(days=400))
    for n, (days, data) in enumerate(_life(id, number)):
        at = NOW - timedelta(days=days, minutes=7 * number)
        if at > worker.now:
            worker.advance(at)
        assert worker.send(Event(f"e-{n}", "/bench", id, at, data)).status == "applied"
    worker.advance(NOW)
    found = {name: worker.rows(name) for name in COLLECTIONS}
    # Who is drawn is each copy's own.
    found["search"] = [row for row in found["search"] if not row["key"].startswith("%")]
    rows = {name: json.dumps(documents) for name, documents in found.items()}
    said = [row for row in worker.rows("timeline") if "interaction.logged" in row["type"]]
    state = worker.state(id)
    assert isinstance(state, Customer)
    return Model(id, state_text(state), rows, json.dumps(said[-1]))


def _life(id: str, number: int) -> Iterator[tuple[float, Data]]:
    """Days ago, and what happened."""
    told = {"name": f"{FIRST[number % 10]} Zqzqz", "email": f"{id}@example.org", "phone": "+49 30 901820"}
    told |= {"preferences": {"diet": "vegan", "shoe_size": 41}, "segment": "loyal"}  # type: ignore[dict-item]  # JSON
    yield 390, CustomerRegistered.model_validate(told)
    yield 389, ConsentChanged(purpose="marketing", channel="email", granted=True)
    price = {"amount": 1_299, "currency": "EUR"}
    for n in range(3):
        line = {"sku": f"sku-{n}", "quantity": 1 + n, "unit_price": price}
        made = {"order_id": f"{id}-o{n}", "channel": "web", "total": price, "items": [line]}
        yield 300 - 90 * n, PurchaseMade.model_validate(made)
    yield 60, SurveyAnswered(survey="nps", score=number % 11, comment="It came in time.")
    dropped = {"outreach_id": f"{id}-m", "rule": "news", "reason": "frequency_cap"}
    yield 9, OutreachSuppressed.model_validate(dropped)
    said = {"channel": "email", "direction": "inbound", "kind": "message", "summary": "Where is my parcel?"}
    said |= {"text": "Where is my parcel? I have waited for a week.", "conversation_id": f"{id}-c"}
    yield 2, InteractionLogged.model_validate(said)
    if number >= KINDS:
        yield 1.9, ConversationClosed(conversation_id=f"{id}-c", outcome="solved")
    if number < 2:
        yield 1.9, ConversationAssigned(conversation_id=f"{id}-c", agent_id=ANN if number else "bo")
    if number < 4:
        complaint = {"complaint_id": f"{id}-k", "channel": "email", "category": "delivery"}
        complaint |= {"severity": ("normal", "high")[number % 2], "description": "The parcel never came."}
        yield 1.5, ComplaintOpened.model_validate(complaint | {"conversation_id": f"{id}-c"})
        if number % 2:
            yield 1.4, ComplaintAcknowledged(complaint_id=f"{id}-k", assignee=ANN)


def copies(models: Sequence[Model], number: int) -> tuple[Document, dict[str, list[Document]]]:
    """State and rows of a customer who lived as a model did."""
    model, id = models[kind_of(number)], name_of(number)
    state = {"_id": id, "version": 1, "data": _other(model, model.state, number)}
    rows = {name: json.loads(_other(model, text, number)) for name, text in model.rows.items()}
    rows["search"] += drawn(id, rows["search"])
    return state, rows


def drawn(id: str, rows: Sequence[Document]) -> list[Document]:
    """The rows of the samples that a customer is in, by their other rows of the search."""
    keys = {row["_id"].removeprefix(f"{id} "): row["key"] for row in rows if row["key"][0] != THING}
    return [rows[0] | {"_id": f"{id} {slot}", "key": key} for slot, key in samples(id, keys).items()]


def _other(model: Model, text: str, number: int) -> str:
    name = surname(number)
    text = text.replace(model.id, name_of(number))
    return text.replace("Zqzqz", name.capitalize()).replace("zqzqz", name)


def more_said(models: Sequence[Model], number: int, count: int) -> list[Document]:
    """Rows of a customer of whom there is a long past."""
    model, rows = models[kind_of(number)], []
    for n in range(count):
        row: Document = json.loads(_other(model, model.busy, number))
        at = micros(NOW - timedelta(days=3 + n / 4))
        uid = f"{row['_id']} {n}"
        place = f"{name_of(number)} {sort_key(at, uid)}"
        rows.append(row | {"_id": uid, "at": at, "place": place})
    return rows


def team_state(customers: int) -> Document:
    """A team with its agents, and a long queue."""
    now = micros(NOW)
    agents = {f"agent-{n:03d}": _agent(f"agent-{n:03d}", now) for n in range(AGENTS - 1)}
    waiting = {}
    for n in range(min(WAITING, customers)):
        since = now - n * 1_000_000
        one = Waiting(
            customer_id=name_of(n),
            conversation_id=f"{name_of(n)}-c",
            revision=1,
            since=since,
            asked_at=since,
            priority=("urgent", "high", "normal", "low")[n % 4],
            channel="email",
        )
        waiting[f"{name_of(n)} {n}"] = one
    team = Team(team_id=TEAM, agents=agents | {ANN: _agent(ANN, now)}, waiting=waiting)
    return {"_id": f"team/{TEAM}", "version": 1, "data": state_text(team)}


def _agent(id: str, now: int) -> Agent:
    return Agent(
        agent_id=id,
        at=now,
        told="{}",
        name=f"Agent {id}",
        skills={"complaints": 5},
        total=3_000,
        weights={"email": 1_000},
        on_shift=True,
        lease=1,
    )
