"""A record in structured mode and its data, read in one pass: for each type a Struct with all attributes.

A reader says what ``open_envelope`` and ``decode`` would say, or nothing: then they are asked, so that each
verdict on what is unusual or bad, with its code and its field, is theirs.
"""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from enum import Enum
from functools import cache
from typing import Annotated, Any, TypeAlias, Union

import msgspec
from msgspec import NODEFAULT, Meta, Struct

from shared.schemas.base import ID_PATTERN, OFFSET_TIME, SHORT_TIME, Data, parse_time
from shared.schemas.bindings import is_binary
from shared.schemas.envelope import JSON, SOURCE_PATTERN, STRUCTURED, BadRecordError, is_json, is_traceparent
from shared.schemas.event import Event
from shared.schemas.quick.models import Build, Compiler, UnsupportedError, UnsureError
from shared.schemas.quick.texts import told_by

Headers: TypeAlias = tuple[tuple[str, bytes], ...]

_MOST_COMMON: Headers = (("content-type", STRUCTURED.encode()),)
"""The headers of what Rapport writes itself."""
_ID = told_by(ID_PATTERN)
_SOURCE = told_by(f"^{SOURCE_PATTERN}$")
_ATTRIBUTES: tuple[tuple[Any, ...], ...] = (
    ("specversion", str),
    ("id", Annotated[str, Meta(min_length=_ID.shortest, max_length=_ID.longest)]),
    ("source", Annotated[str, Meta(min_length=_SOURCE.shortest, max_length=_SOURCE.longest)]),
    ("subject", Annotated[str, Meta(min_length=_ID.shortest, max_length=_ID.longest)]),
    ("time", msgspec.Raw),
    ("datacontenttype", str | None, None),
    ("traceparent", str | None, None),
)
_read_text: Callable[[msgspec.Raw], str] = msgspec.json.Decoder(str).decode
_read_time: Callable[[msgspec.Raw], datetime] = msgspec.json.Decoder(OFFSET_TIME).decode
_SHORT = SHORT_TIME + len('""')
_compiler = Compiler()


class Ignored(Enum):
    """What is said of a record instead of an event."""

    IGNORED = "ignored"


IGNORED = Ignored.IGNORED
_NO_KEY: Any = object()
"""In place of the key of what is no record."""


class QuickReader:
    """Reads records of the types that it has learnt: those that a process never meets cost it no start."""

    def __init__(self) -> None:
        self._known: set[type[Data]] = set()
        self._builds: dict[type[Struct], Build | None] = {_Nothing: None}
        self._decode = _decoder(self._builds)
        self._open_builds: dict[type[Struct], Build | None] = {_Nothing: None}
        """The same for data with fields that no model knows."""
        self._decode_open = _decoder(self._open_builds)
        self._open_first = False
        """The last record had some."""

    def learn(self, cls: type[Data]) -> None:
        """Read records of this type from now on. One whose schema has no quick way is left to Pydantic."""
        if cls not in self._known:
            self._known.add(cls)
            way = _way(cls)
            if way is not None:
                self._add(way.record, way.build)
                if way.open is not None:
                    self._open_builds[way.open] = way.build_open
                    self._decode_open = _decoder(self._open_builds)

    def ignore(self, cls: type[Data]) -> None:
        """Say ``IGNORED`` of records of this type from now on, good or bad."""
        if cls not in self._known:
            self._known.add(cls)
            self._add(_ignored(cls), None)

    def _add(self, record: type[Struct], build: Build | None) -> None:
        self._builds[record] = build
        self._decode = _decoder(self._builds)

    def read(self, key: bytes | None, value: bytes | None, headers: Headers) -> Event | Ignored | None:
        """The event, or None where that is for others to say: not learnt, unusual, or bad. How far ahead of
        the clock it is, is not looked at."""
        if not value or (headers and headers != _MOST_COMMON and not _is_structured(headers)):
            return None
        return self._read(key, value)

    def read_text(self, value: bytes) -> Event | None:
        """As ``read``, of an event in UTF-8 that is in no record: it has no key."""
        event = self._read(_NO_KEY, value)
        return None if event is IGNORED else event

    def _read(self, key: bytes | None, value: bytes) -> Event | Ignored | None:
        if self._open_first and (event := self._read_open(key, value)) is not None:
            return event
        try:
            told = self._decode(value)
            build = self._builds[told.__class__]
            if build is None:
                return None if told.__class__ is _Nothing else IGNORED
            return _event(told, build, key)
        except msgspec.ValidationError as error:
            return None if self._open_first or not _is_about_a_field(error) else self._read_open(key, value)
        except _UNSURE:
            return None

    def _read_open(self, key: bytes | None, value: bytes) -> Event | None:
        """A record whose data has fields that no model knows: as long as there are, they are looked for."""
        try:
            told = self._decode_open(value)
            build = self._open_builds[told.__class__]
            event = None if build is None else _event(told, build, key)
        except _UNSURE:
            event = None
        self._open_first = event is not None and bool(event.data.__pydantic_extra__)
        return event


_UNSURE = (msgspec.DecodeError, UnicodeDecodeError, UnsureError, RecursionError, OverflowError)


def _event(told: Any, build: Build, key: bytes | None) -> Event | None:
    """The event of a record that was decoded, or None where that is for others to say."""
    id, source, subject, time = told.id, told.source, told.subject, _time(told.time)
    # Where nothing is left by strip all is of the set.
    if (
        (id + subject).strip(_ID.only)
        or source.strip(_SOURCE.only)
        or (key is not _NO_KEY and subject.encode() != key)
        or told.specversion != "1.0"
    ):
        return None
    media, trace = told.datacontenttype, told.traceparent
    if (media is not None and media != JSON and not is_json(media)) or (
        trace is not None and is_traceparent(trace) is None
    ):
        return None
    if time.tzinfo is not UTC:
        time = time.astimezone(UTC)
    return Event(id, source, subject, time, build(told.data), trace)


def _is_about_a_field(error: msgspec.ValidationError) -> bool:
    """Whether what is wrong is that the data has a field that its model does not know."""
    text = str(error)
    return text.startswith("Object contains unknown field") and text.endswith("`$.data`")


def _time(raw: msgspec.Raw) -> datetime:
    """As ``parse_time``, which is asked where a digit may be past the microsecond. Raises UnsureError."""
    if len(bytes(raw)) <= _SHORT:
        return _read_time(raw)
    try:
        return parse_time(_read_text(raw))
    except ValueError:
        raise UnsureError from None


class _Way(Struct, frozen=True):
    record: type[Struct]
    """The envelope, with the data in it."""
    build: Build
    """Makes the data of the record's ``data``."""
    open: type[Struct] | None
    """The same, with the data's JSON in it; None where the model keeps no fields that it does not know."""
    build_open: Build | None


@cache
def _ignored(cls: type[Data]) -> type[Struct]:
    return msgspec.defstruct(f"{cls.__name__}Ignored", [], tag_field="type", tag=cls.event_type)


@cache
def _way(cls: type[Data]) -> _Way | None:
    try:
        compiled = _compiler.compiled(cls)
    except UnsupportedError:
        return None
    more = compiled.with_more()
    open = None if more is None else _record(cls, "Open", msgspec.Raw)
    return _Way(_record(cls, "", compiled.struct), compiled.build, open, more)


def _record(cls: type[Data], name: str, data: Any) -> type[Struct]:
    return msgspec.defstruct(
        f"{cls.__name__}{name}Record",
        [*_ATTRIBUTES, ("data", data, NODEFAULT)],
        tag_field="type",
        tag=cls.event_type,
        kw_only=True,
        forbid_unknown_fields=True,
        gc=False,
    )


class _Nothing(Struct, tag_field="type", tag=""):
    """Beside it one type alone is a union too: msgspec then asks for the tag."""


def _decoder(records: Iterable[type[Struct]]) -> Callable[[bytes], Any]:
    return msgspec.json.Decoder(Union[tuple(records)]).decode  # noqa: UP007  (as many as there are)


def _is_structured(headers: Headers) -> bool:
    try:
        return not is_binary(headers)
    except BadRecordError:
        return False
