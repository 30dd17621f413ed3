"""A mapping that is ready: records in, events out. Pure: the same record always gives the same events."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from hashlib import blake2b
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from shared.expressions.kinds import ANY, TEXT, TIME, Kind, Many
from shared.mapping import values
from shared.mapping.building import Builder, Defaults, UnmappedError, evaluated, is_met
from shared.mapping.expressions import Here, Make, variables
from shared.mapping.fields import Target, of_event
from shared.mapping.form import EventForm, MappingForm, Path, Subject, Value
from shared.mapping.places import Places
from shared.runtime.config import ConfigError, field_path
from shared.schemas.base import ID_PATTERN, Data
from shared.schemas.codec import BadRecordError, Envelope, decode
from shared.schemas.event import Event
from shared.schemas.services import SERVICES
from shared.schemas.topics import OWN_TYPES, TYPES

MOST_EVENTS = 10_000
"""Of one record."""
_MOST_FLAWS = 20
_encode = msgspec.json.Encoder().encode
_canonical = msgspec.json.Encoder(order="sorted").encode
_is_id = re.compile(ID_PATTERN).fullmatch
_is_name = re.compile(r"[^\x00-\x1f\x7f]{1,254}").fullmatch
_is_source = re.compile(r"[!-~]{1,256}").fullmatch
_is_own = re.compile(rf"/(rapport|api)/({'|'.join(SERVICES)})(/.*)?").fullmatch


class Mapped(NamedTuple):
    """An event that a record has become."""

    event: Event
    raw: bytes
    """It as a CloudEvent in JSON."""


@dataclass(frozen=True, slots=True)
class _Plan:
    """One kind of event, put together."""

    type: Make
    when: Make | None
    each: Make | None
    subjects: tuple[tuple[str, Make], ...]
    id: Make | None
    source: Make
    time: Make
    data: Make


class Mapper:
    """Makes events of records."""

    def __init__(self, plans: Sequence[_Plan], types: Iterable[type[Data]] = ()) -> None:
        self._plans, self.types = tuple(plans), frozenset(types)
        """``types``: what is known beforehand of the data of its events."""

    def events(self, record: Any, now: datetime, name: str | None = None) -> list[Mapped]:
        """All events of a record, or none: it is left out by ``when``. ``now`` (aware) is the wall clock's;
        ``name`` names the record where the mapping does not name its events. Raises ``UnmappedError``."""
        found: list[Mapped] = []
        for place, plan in enumerate(self._plans):
            for here in _entries(plan, record) if plan.each is not None else (Here(record),):
                if plan.when is not None and not is_met(plan.when, here, "when"):
                    continue
                if len(found) == MOST_EVENTS:
                    raise UnmappedError("each", f"makes more than {MOST_EVENTS} events")
                id = plan.id(here) if plan.id is not None else self._name(name, place, here)
                found.append(_event(plan, here, id, now))
        if len(found) > 1 and len({mapped.event.uid for mapped in found}) < len(found):
            raise UnmappedError("id", "is the same of several events, of which only the first would count")
        return found

    def _name(self, name: str | None, place: int, here: Here) -> str:
        """An event's id where the mapping says none: the record's name, or what it says."""
        base = name if name is not None else blake2b(_canonical(here.row), digest_size=16).hexdigest()
        if place or len(self._plans) > 1:
            base = f"{base}-{place + 1}"
        return base if self._plans[place].each is None else f"{base}.{here.number}"


class _Compiler:
    """Puts a form together, and collects what is wrong with it."""

    def __init__(self, form: MappingForm, places: Places, row: Kind) -> None:
        self._form, self._places, self._row = form, places, row
        zone = ZoneInfo(form.timezone) if form.timezone is not None else None
        self._defaults = Defaults(zone, form.currency, form.decimal)
        self.flaws: list[str] = []
        self._types: set[type[Data]] = set()

    def flaw(self, path: Path, why: str, at: int | None = None) -> None:
        shown = field_path(path[: path.index("from")] if "from" in path else path)
        self.flaws.append(f"{self._places.of(path, at)}: {shown}: {why}")

    def mapper(self) -> Mapper:
        plans = [self._plan(form, ("events", place)) for place, form in enumerate(self._form.events)]
        if self.flaws:
            more = len(self.flaws) - _MOST_FLAWS
            raise ConfigError(
                "; ".join(self.flaws[:_MOST_FLAWS]) + (f"; and {more} more" if more > 0 else "")
            )
        return Mapper(plans, self._types)

    def _plan(self, form: EventForm, path: Path) -> _Plan:
        builder, each = Builder(variables(self._row), self._defaults, self.flaw), None
        if form.each is not None:
            kind, each = builder.asked(form.each, (*path, "each"))
            if not isinstance(kind, Many) and kind is not ANY:
                self.flaw((*path, "each"), f"{form.each} is {kind} and no list")
            of = kind.of if isinstance(kind, Many) else ANY
            builder = Builder(variables(self._row, of), self._defaults, self.flaw)
        data = self._type(form.type, (*path, "type"))
        target = of_event(data) if data is not None else Target(ANY)
        return _Plan(
            type=self._named(builder, form.type, (*path, "type"), "type"),
            when=builder.condition(form.when, (*path, "when")) if form.when is not None else None,
            each=each,
            subjects=tuple(self._subjects(builder, form.subject, (*path, "subject"))),
            id=builder.value(form.id, Target(TEXT), (*path, "id"), "id") if form.id is not None else None,
            source=self._source(builder, form, path),
            time=builder.value(form.time, Target(TIME, aware=True), (*path, "time"), "time"),
            data=builder.fields(form.data, target, (*path, "data"), "data"),
        )

    def _type(self, form: Value, path: Path) -> type[Data] | None:
        """The class of the event's data; None where only the records say it, or it is refused."""
        if form.is_ is None:
            return None
        data = TYPES.get(full_type(str(form.is_)))
        if data is None or data.event_type in OWN_TYPES:
            why = "there is no type" if data is None else "Rapport alone writes"
            self.flaw(path, f"{why} {form.is_}")
            return None
        self._types.add(data)
        return data

    def _named(self, builder: Builder, form: Value, path: Path, field: str) -> Make:
        made = builder.value(form, Target(TEXT), path, field)
        return lambda here: full_type(made(here) or "")

    def _subjects(self, builder: Builder, forms: Sequence[Subject], path: Path) -> Iterator[tuple[str, Make]]:
        for number, form in enumerate(forms):
            at = (*path, number, form.kind) if len(forms) > 1 else (*path, form.kind)
            made = builder.value(form.value, Target(TEXT), at, "subject")
            yield ("" if form.kind == "id" else f"{form.kind}:"), made

    def _source(self, builder: Builder, form: EventForm, path: Path) -> Make:
        source, at = form.source, (*path, "source")
        if source is None:
            source, at = self._form.source, ("source",)
        if source is None:
            self.flaw(path, "its source is said nowhere: say source")
            return lambda here: None
        if source.is_ is not None and (why := _bad_source(str(source.is_))) is not None:
            self.flaw(at, f"source {why}")
        return builder.value(source, Target(TEXT), at, "source")


def compiled(form: MappingForm, places: Places, row: Kind) -> Mapper:
    """The mapping, checked against the kind of its records. Raises ``ConfigError`` with ``line 3, column 7:
    events[0].data.total: why`` for each flaw."""
    return _Compiler(form, places, row).mapper()


def full_type(name: str) -> str:
    """``purchase.made`` -> ``rapport.purchase.made.v1``."""
    return name if name.startswith("rapport.") else f"rapport.{name}.v1"


def _entries(plan: _Plan, record: Any) -> Iterator[Here]:
    assert plan.each is not None
    entries = evaluated(plan.each, Here(record), "each")
    if entries is None:
        return
    if not isinstance(entries, list):
        raise UnmappedError("each", "is no list")
    for number, entry in enumerate(entries, start=1):
        yield Here(record, entry, number)


def _event(plan: _Plan, here: Here, id: Any, now: datetime) -> Mapped:
    source, time = plan.source(here), plan.time(here)
    if source is None or (why := _bad_source(source)) is not None:
        raise UnmappedError("source", "is not known" if source is None else str(why))
    if time is None:
        raise UnmappedError("time", "is not known")
    subject = _subject(plan, here)
    if id is None:
        raise UnmappedError("id", "is not known")
    try:
        data = msgspec.Raw(_encode(plan.data(here)))
        envelope = Envelope(
            specversion="1.0",
            id=values.event_id(id),
            source=source,
            type=plan.type(here),
            subject=subject,
            time=time,
            data=data,
        )
        if envelope.type in OWN_TYPES:
            raise UnmappedError("type", "Rapport alone writes it")
        return Mapped(decode(envelope, wall_now=now), _encode(envelope))
    except BadRecordError as bad:
        raise UnmappedError(_field(bad), _reason(bad)) from None
    except (UnicodeEncodeError, values.BadValueError) as error:
        why = "has characters that are none" if isinstance(error, UnicodeEncodeError) else str(error)
        raise UnmappedError("data", why) from None


def _field(bad: BadRecordError) -> str:
    """Without the numbers of entries, so that the same fault is the same."""
    return re.sub(r"\.\d+(?=\.|$)", "[]", bad.field or "data")


def _reason(bad: BadRecordError) -> str:
    if bad.code == "field" and bad.field is not None:
        return bad.detail.split("; ")[0].removeprefix(f"{bad.field}: ")
    return bad.detail


def _subject(plan: _Plan, here: Here) -> str:
    for kind, make in plan.subjects:
        value = make(here)
        if value is not None and (value := value.strip()):
            fits = _is_name(value) if kind else _is_id(value)
            if not fits:
                most = "254 characters" if kind else "128 letters, digits and ._:-"
                raise UnmappedError("subject", f"cannot be one: it has 1 to {most}")
            return f"{kind}{value}"
    raise UnmappedError("subject", "is not known")


@lru_cache(maxsize=1_000)
def _bad_source(source: str) -> str | None:
    if not _is_source(source):
        return "must be 1 to 256 visible ASCII characters"
    return "is one that Rapport alone signs with" if _is_own(source) else None
