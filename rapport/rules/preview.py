"""What rules would do to customers: of a draft by their events in a recording, of those in force by
followup's API."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from rich.console import RenderableType
from rich.text import Text

from rapport.client import Client
from rapport.commands.show import table
from rapport.replay.feed import Progress
from rapport.replay.source import Source
from rapport.rules.draft import Draft
from rapport.rules.run import Run
from rapport.rules.stream import Heard, asks_program, used
from rapport.simulate.figures import NONE
from rapport.simulate.recording import arrivals
from rapport.trouble import TroubleError
from services.followup.domain.messages.faults import TemplateFaultError
from services.followup.domain.preview import preview
from services.followup.models.rules import PreviewAnswer, preview_answer
from services.loyalty.config import load
from shared.schemas.times import micros

_COLOURS = {"send": "green", "wait": "yellow", "suppress": "red"}


@dataclass(frozen=True, slots=True)
class Previewed:
    """All about one customer."""

    customer_id: str
    name: str
    at: datetime | None
    """As things stood then; None: now."""
    answers: tuple[PreviewAnswer, ...]
    """A rule each."""
    unwritable: dict[str, str]
    """Rules whose message cannot be written, and why."""


def of_recording(
    draft: Draft,
    source: Source,
    customers: Collection[str],
    rules: Collection[str],
    *,
    until: datetime | None = None,
    report: Callable[[Progress], None] = lambda _: None,
) -> list[Previewed] | None:
    """By the recording up to ``until``; None where it has no event. Raises TroubleError for a customer or a
    rule that is not there."""
    _all_there("rule", rules, {rule.name for version in draft.versions for rule in version.rules})
    consumed = draft.consumes
    programs = load() if asks_program(consumed) else None
    decoded = used(consumed, beside=programs is not None)
    heard = Heard(arrivals(source, decoded), programs, until=until, only=set(customers), report=report)
    run = Run(draft.policy)
    for at, event in heard:
        if isinstance(event.data, consumed):
            run.take(at, event)
    if heard.end is None:
        return None
    run.fire(heard.end)
    _all_there("customer", customers, run.states)
    policy = draft.policy.at(micros(heard.end))
    named = [rule for rule in policy.rules.rules if not rules or rule.name in rules]
    found = []
    for customer in customers:
        state = run.state(customer)
        answers, unwritable = [], {}
        for rule in named:
            try:
                answers.append(preview_answer(preview(state, policy, rule, micros(heard.end))))
            except TemplateFaultError as fault:
                unwritable[rule.name] = str(fault)
        found.append(Previewed(customer, state.name, heard.end, tuple(answers), unwritable))
    return found


def in_force(client: Client, customers: Collection[str], rules: Collection[str]) -> list[Previewed]:
    """As the service that runs says. Raises TroubleError."""
    every = [rule["name"] for rule in client.get("followup", "/rules")["rules"]]
    _all_there("rule", rules, every)
    named = [name for name in every if not rules or name in rules]
    found = []
    for customer in customers:
        answers, unwritable = [], {}
        for name in named:
            answer = previewed(client, customer, name)
            if isinstance(answer, str):
                unwritable[name] = answer
            else:
                answers.append(answer)
        found.append(Previewed(customer, "", None, tuple(answers), unwritable))
    return found


def previewed(client: Client, customer: str, rule: str) -> PreviewAnswer | str:
    """What a rule in force would do to a customer, or why its message cannot be written. Raises
    TroubleError."""
    path, body = f"/rules/{quote(rule, safe='')}/preview", {"customer_id": customer}
    status, answer = client.call("POST", "followup", path, body)
    if status == 200:
        return PreviewAnswer.model_validate(answer)
    if status == 409:
        return _told(answer)
    if status in (401, 403):
        raise TroubleError(f"followup refuses the key ({status}): RAPPORT_API_KEY must have outreach:write.")
    raise TroubleError(_told(answer) or f"followup answered {status}.")


def shown(found: Sequence[Previewed], *, texts: bool = False) -> Iterator[RenderableType]:
    """A table for each customer; with ``texts`` the messages below it."""
    for one in found:
        when = f", at {one.at:%Y-%m-%d %H:%M} UTC" if one.at else ""
        yield Text(f"\n{one.customer_id} {one.name}".rstrip() + when, style="bold")
        rows = table("rule", "if it fell now", "planned", "to", wrapped=("if it fell now", "to"))
        for answer in one.answers:
            planned = NONE if answer.planned_at is None else f"{answer.planned_at:%Y-%m-%d %H:%M}"
            verdict = Text(_verdict(answer), style=_COLOURS[answer.decision])
            rows.add_row(answer.rule, verdict, planned, f"{answer.channel}: {answer.to or NONE}")
        for rule, why in one.unwritable.items():
            rows.add_row(rule, Text(f"cannot be written: {why}", style="red"), NONE, NONE)
        yield rows
        for answer in one.answers if texts else ():
            yield Text(f"\n{answer.rule}: {answer.subject or answer.template}", style="bold")
            yield Text(answer.text.strip())


def _verdict(answer: PreviewAnswer) -> str:
    match answer.decision:
        case "send":
            return "send"
        case "wait":
            return f"wait until {answer.at:%Y-%m-%d %H:%M}: {answer.reason}"
        case _:
            return f"no: {answer.reason}" + (f", {answer.detail}" if answer.detail else "")


def _all_there(what: str, asked: Collection[str], there: Collection[str]) -> None:
    for one in asked:
        if one not in there:
            raise TroubleError(f"There is no {what} {one}.")


def _told(body: Any) -> str:
    return str(body.get("detail") or body.get("title")) if isinstance(body, dict) else ""
