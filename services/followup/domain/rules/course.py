"""What a rule may be beside one message after one trigger: steps, a goal, variants, a holdout. As the YAML
file may say it, checked when it is read."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Any, TypeAlias

from pydantic import Discriminator, Field, Tag, ValidationInfo, field_validator, model_validator

from services.followup.domain.rules.events import EventName, as_held, data_class
from services.followup.domain.rules.times import Active, Duration, TimeOfDay
from shared.schemas.base import Data, Strict
from shared.schemas.faults import fault

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
Share = Annotated[Decimal, Field(gt=0, lt=1, decimal_places=6)]
"""Of the customers; between nobody and all."""
HOLDOUT = "holdout"
"""What those are called who get no messages, for comparison: no variant's name."""
MOST_STEPS = 50
MOST_DEPTH = 3


class Awaited(Strict):
    """An event, where its fields have these values."""

    event: EventName
    when: Mapping[str, Any] = {}

    @field_validator("event")
    @classmethod
    def _known(cls, value: str) -> str:
        data_class(value)
        return value

    @model_validator(mode="after")
    def _possible(self) -> "Awaited":
        try:
            held = as_held((self.event,), self.when)
        except ValueError as error:
            raise fault("when", str(error)) from None
        return self if held == self.when else self.model_copy(update={"when": held})

    def met_by(self, name: str, data: Data) -> bool:
        """Whether it is the event."""
        return name == self.event and all(
            getattr(data, field) == wanted for field, wanted in self.when.items()
        )


class Goal(Awaited):
    """What a message is for. It counts for those that went at most ``within`` before it."""

    within: Duration
    if_: Annotated[str | None, Field(alias="if")] = None
    """What its event must be, in CEL: it sees that as ``goal``, what started the rule as ``trigger``."""

    @model_validator(mode="after")
    def _some_time(self) -> "Goal":
        if not timedelta(0) < self.within <= timedelta(days=365):
            raise fault("within", "must be more than nothing, and a year at most")
        return self


class Variant(Strict):
    """One of the ways in which a rule's message may be; the shares of all make 1."""

    name: Name
    share: Share
    template: Name | None = None
    """Instead of the rule's."""


class SendStep(Strict):
    """A message; the way goes on when it is decided."""

    send: Name
    name: Name | None = None
    """What its events call it; else they count: 1 for the first ``send`` of the file, 2 for the next."""


class WaitStep(Strict):
    """So long."""

    wait: Duration


class WaitUntilStep(Strict):
    """To that time of day, in the customer's local time."""

    wait_until: TimeOfDay


class WaitForEvent(Awaited):
    """Until the event, or so long."""

    at_most: Duration


class WaitForStep(Strict):
    """The event counts from when the step is reached."""

    wait_for: WaitForEvent

    @property
    def signal(self) -> str:
        """What the events are called that it waits for."""
        when = ",".join(f"{name}={value}" for name, value in sorted(self.wait_for.when.items()))
        return f"{self.wait_for.event}({when})"


class Branch(Strict):
    """Which steps come next: decided when it is reached."""

    if_: Annotated[str, Field(alias="if")]
    """In CEL, as a rule's own ``if``."""
    then: tuple["Step", ...] = ()
    else_: Annotated[tuple["Step", ...], Field(alias="else")] = ()


class BranchStep(Strict):
    branch: Branch


FORMS: Mapping[str, type[Strict]] = {
    "send": SendStep,
    "wait": WaitStep,
    "wait_until": WaitUntilStep,
    "wait_for": WaitForStep,
    "branch": BranchStep,
}


def _form(value: Any) -> str | None:
    for name, form in FORMS.items():
        if isinstance(value, form) or (isinstance(value, Mapping) and name in value):
            return f"[{name}]"
    return None


Step: TypeAlias = Annotated[
    Annotated[SendStep, Tag("[send]")]
    | Annotated[WaitStep, Tag("[wait]")]
    | Annotated[WaitUntilStep, Tag("[wait_until]")]
    | Annotated[WaitForStep, Tag("[wait_for]")]
    | Annotated[BranchStep, Tag("[branch]")],
    Discriminator(
        _form,
        custom_error_type="step",
        custom_error_message="must be one of send, wait, wait_until, wait_for and branch",
    ),
]
for _model in (Branch, BranchStep):
    _model.model_rebuild()


def each_step(steps: tuple[Step, ...], depth: int = 0) -> Iterator[tuple[Step, int]]:
    """All of them in the order of the file, each with how many branches it stands in."""
    for step in steps:
        yield step, depth
        if isinstance(step, BranchStep):
            yield from each_step(step.branch.then, depth + 1)
            yield from each_step(step.branch.else_, depth + 1)


def sent_at(steps: tuple[Step, ...], at: str = "steps") -> Iterator[tuple[str, str]]:
    """The templates that are sent, each with its place in the rule."""
    for number, step in enumerate(steps):
        if isinstance(step, SendStep):
            yield f"{at}[{number}].send", step.send
        elif isinstance(step, BranchStep):
            place = f"{at}[{number}].branch"
            yield from sent_at(step.branch.then, f"{place}.then")
            yield from sent_at(step.branch.else_, f"{place}.else")


def conditions_of(steps: tuple[Step, ...], at: str = "steps") -> Iterator[tuple[str, str]]:
    """What the branches ask, each with its place in the rule."""
    for number, step in enumerate(steps):
        if isinstance(step, BranchStep):
            place = f"{at}[{number}].branch"
            yield f"{place}.if", step.branch.if_
            yield from conditions_of(step.branch.then, f"{place}.then")
            yield from conditions_of(step.branch.else_, f"{place}.else")


def step_names(steps: tuple[Step, ...]) -> list[str]:
    """What the events call each ``send``, in the order of the file."""
    sends = [step for step, _ in each_step(steps) if isinstance(step, SendStep)]
    return [step.name or str(number) for number, step in enumerate(sends, start=1)]


class Course(Strict):
    """These fields of a rule."""

    active: Active | None = None
    """Triggers outside of it start nothing; what it has started goes on."""
    steps: tuple[Step, ...] = ()
    """What follows a trigger and ``delay``, one after the other; none: one message."""
    goal: Goal | None = None
    """What its messages are for; it ends its steps."""
    variants: Annotated[tuple[Variant, ...], Field(max_length=10)] = ()
    holdout: Share | None = None
    """The share of customers who get none of its messages, for comparison."""
    cancel_on: tuple[EventName, ...] = ()
    """Events that undo a trigger which was not after them."""
    cancel_when: Mapping[EventName, Mapping[str, Any]] = {}
    """What these must be, by event: fields and their values; null of a field that is not told."""

    def cancels(self, name: str, data: Data) -> bool:
        """Whether the event undoes what it is about."""
        if name not in self.cancel_on:
            return False
        wanted = self.cancel_when.get(name)
        return not wanted or all(getattr(data, field) == value for field, value in wanted.items())

    @field_validator("cancel_when")
    @classmethod
    def _possible_too(cls, value: Mapping[str, Any], info: ValidationInfo) -> Mapping[str, Any]:
        for event in value:
            if event not in info.data.get("cancel_on", value):
                raise fault(event, "is not in cancel_on")
        return {event: as_held((event,), wanted) for event, wanted in value.items()}

    @property
    def awaited_events(self) -> tuple[str, ...]:
        """What its goal and its steps wait for."""
        if self.goal is None and not self.steps:  # most rules, and each fact asks each
            return ()
        found = [] if self.goal is None else [self.goal.event]
        if self.steps:
            steps = each_step(self.steps)
            found += [step.wait_for.event for step, _ in steps if isinstance(step, WaitForStep)]
        return tuple(found)

    @field_validator("variants")
    @classmethod
    def _whole(cls, value: tuple[Variant, ...]) -> tuple[Variant, ...]:
        names = [variant.name for variant in value]
        for place, name in enumerate(names):
            if name == HOLDOUT or name in names[:place]:
                raise fault(f"[{place}].name", f"{name} is taken")
        if value and sum(variant.share for variant in value) != 1:
            raise fault("", "the shares must make 1")
        return value

    @field_validator("steps")
    @classmethod
    def _walkable(cls, value: tuple[Step, ...]) -> tuple[Step, ...]:
        every = [*each_step(value)]
        names = step_names(value)
        if value and not names:
            raise fault("", "none of them sends anything")
        if len(every) > MOST_STEPS or any(depth > MOST_DEPTH for _, depth in every):
            raise fault("", f"must be {MOST_STEPS} at most, and {MOST_DEPTH} branches deep at most")
        twice = [name for place, name in enumerate(names) if name in names[:place]]
        if twice:
            raise fault("", f"two steps are named {twice[0]}")
        return value


def said_at(template: str, course: Course) -> Iterator[tuple[str, str]]:
    """The templates that a rule names, its own first, each with its place in the rule."""
    if not course.steps:
        yield "template", template
    yield from sent_at(course.steps)
    for number, variant in enumerate(course.variants):
        if variant.template is not None:
            yield f"variants[{number}].template", variant.template


def with_first_template(rule: Any) -> Any:
    """A rule as the file has it: of one with steps, what it says first is its template."""
    if not isinstance(rule, Mapping) or not rule.get("steps"):
        return rule
    first = _first_sent(rule["steps"]) or ""
    if rule.get("template", first) != first:
        raise fault("template", "is said by the steps")
    return {**rule, "template": first}


def _first_sent(steps: Any) -> Any:
    for step in steps if isinstance(steps, list | tuple) else ():
        if not isinstance(step, Mapping):
            continue
        if "send" in step:
            return step["send"]
        branch = step.get("branch")
        found = (
            [_first_sent(branch.get(way)) for way in ("then", "else")] if isinstance(branch, Mapping) else []
        )
        if any(found):
            return next(filter(None, found))
    return None
