"""How many decisions the gate makes in a second of processor time, of customers whose states are in memory:
without a condition, with those of the rules that ship, with a list of 20 orders; beside the bare engine on a
context that is prepared for it, which is the limit.

``RAPPORT_BENCH_DECISIONS=20000`` chooses another size.
"""

import os
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import cycle, islice
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from rich.table import Table

from services.followup import config
from services.followup.channels.email import Email, EmailSettings
from services.followup.domain.conditions.expression import compiled
from services.followup.domain.conditions.sample import sample
from services.followup.domain.conditions.views import Scope
from services.followup.domain.gate.decision import decide
from services.followup.domain.policy import Policy
from services.followup.domain.rules.rule import Rule
from services.followup.domain.rules.rules import Rules
from services.followup.domain.state import Consent, Customer, Planned
from services.followup.domain.tasks import TASKS
from services.followup.tokens import links
from shared.http.key_ring import KeyRing
from shared.runtime.heap import settle_heap
from shared.schemas.times import MILLISECOND, Micros, micros
from tests.bench.report import console

pytestmark = pytest.mark.bench

DECISIONS = int(os.environ.get("RAPPORT_BENCH_DECISIONS", "50000"))
CUSTOMERS, RUNS = 2_000, 3
AIM = 20_000
NOON: Micros = micros(datetime(2026, 3, 2, 12, tzinfo=UTC))
COUNTS = 'purchases.count >= 2 && loyalty.tier == "gold" && complaints.open == 0'
LIST = 'purchases.exists(p, "beer" in p.categories && days_since(p.at) < 90)'
GUARDED = f"purchases.count < 2 && {LIST}"


def policy(rules: Rules) -> Policy:
    channels = {"email": Email(EmailSettings()), **TASKS}
    made = links("https://rapport.example", KeyRing([b"k" * 16]))
    return Policy(rules, config.load_templates(None), channels, made)


def customers() -> list[Customer]:
    """Of whom all is known: 20 orders, five complaints that are over, answers; every other one has had as
    many messages as the caps allow."""
    full = sample({}).customer.model_dump()
    free = {**full, "sends": full["sends"][-1:]}
    consents = tuple(
        Consent(purpose=purpose, channel="email", granted=True, at=0)
        for purpose in ("marketing", "service", "survey")
    )
    return [
        Customer.model_validate(
            {**(full if number % 2 else free), "customer_id": f"c-{number}", "consents": consents}
        )
        for number in range(CUSTOMERS)
    ]


def due(rules: Rules, rule: Rule) -> Planned:
    template = rule.templates[0]
    return Planned(
        outreach_id="o-1",
        key=rule.name,
        rule=rule.name,
        template=template,
        purpose=rules.purpose(template),
        channel="email",
        due_at=NOON - MILLISECOND,
        at=NOON,
        by=NOON,
    )


def rate(work: Iterator[Callable[[], object]]) -> float:
    """A second of this process: others may run beside it."""
    began = time.process_time()
    for one in islice(work, DECISIONS):
        one()
    return DECISIONS / (time.process_time() - began)


def deciding(rules: Rules, these: Sequence[Rule], people: Sequence[Customer]) -> list[Callable[[], object]]:
    whole = policy(rules)
    plans = cycle([due(rules, rule) for rule in these])

    def decision(state: Customer, planned: Planned) -> Callable[[], object]:
        return lambda: decide(state, whole, planned, NOON)

    return [decision(state, planned) for state, planned in zip(people, plans, strict=False)]


def engine(text: str, people: Sequence[Customer]) -> list[Callable[[], object]]:
    """The limit: nothing is read, nothing handed in."""
    expression = compiled(text)
    scope = Scope(people[0], NOON, ZoneInfo("Europe/Berlin"), {})
    context = expression.context(scope)
    context.update({name: read(scope) for name, read in expression.lists.items()})
    context.set_variable_resolver(lambda _: None)
    return [lambda: expression.program.execute(context)]


def test_decisions_a_second() -> None:
    people = customers()
    shipped = config.load_rules(Path(config.__file__).parent / "rules" / "retail.yaml", ("email",))
    mailed = [rule for rule in shipped.rules if "email" in rule.ways]
    asking = [rule for rule in mailed if rule.if_ is not None]
    one = next(rule for rule in asking if "trigger" not in str(rule.if_))

    def with_if(text: str | None) -> list[Callable[[], object]]:
        rule = one.model_copy(update={"if_": text})
        return deciding(shipped.model_copy(update={"rules": (rule,)}), [rule], people)

    cases = {
        "no condition": with_if(None),
        "counts and fields": with_if(COUNTS),
        "all rules that ship, in turn": deciding(shipped, mailed, people),
        "of these, those with a condition": deciding(shipped, asking, people),
        "a list of 20 that is not reached": with_if(GUARDED),
        "a list of 20, gone through": with_if(LIST),
        "the bare engine, counts": engine(COUNTS, people),
        "the bare engine, a list": engine(LIST, people),
    }
    settle_heap()
    rates: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(RUNS):
        for name, work in cases.items():
            rates[name].append(rate(cycle(work)))
    table = Table(title=f"{DECISIONS:,} decisions of {CUSTOMERS:,} customers", title_justify="left")
    for column in ("decision", "a second, min", "median", "max", f"aim {AIM:,}"):
        table.add_column(column, justify="left" if column == "decision" else "right")
    for name, found in rates.items():
        middle = statistics.median(found)
        numbers = (f"{value:,.0f}" for value in (min(found), middle, max(found)))
        table.add_row(name, *numbers, "reached" if middle >= AIM else "not reached")
    console.print(table)
    assert min(map(min, rates.values())) > 0
