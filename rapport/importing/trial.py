"""A dry run: every row mapped, nothing sent."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from rbloom import Bloom

from rapport.importing.faults import Fault, FaultFile, Reasons
from rapport.importing.rows import Row
from rapport.importing.run import Mapping
from shared.facts.aliases import AliasError, is_alias, normalised, split_alias
from shared.mapping.building import UnmappedError
from shared.mapping.fields import short
from shared.mapping.mapping import Mapped, Mapper
from shared.schemas.base import CUSTOMER

SHOWN = 5
_EVERY = 1_000
_NAMES = 5_000_000
"""Events whose names are told apart for sure: 21 MB."""


@dataclass(slots=True)
class Trial:
    """What came of it."""

    rows: int = 0
    left_out: int = 0
    failed: int = 0
    alike: int = 0
    """Events that are called like one before: of such only the first counts."""
    types: Counter[str] = field(default_factory=Counter)
    """Events by short type."""
    reasons: Reasons = field(default_factory=Reasons)
    first: list[tuple[Row, list[Mapped] | str]] = field(default_factory=list)
    """The first rows, each with its events, or why it is none."""


def tried(
    mapper: Mapper, rows: Iterator[Row], faults: FaultFile | None, report: Callable[[int], None]
) -> Trial:
    """Maps all rows. ``report`` hears how many were."""
    found, mapping = Trial(), Mapping(mapper)
    names = Bloom(_NAMES, 1e-7)
    for row in rows:
        found.rows += 1
        became: list[Mapped] | str
        try:
            became = mapping.events(row)
            _judge(became)
        except UnmappedError as error:
            became = str(error) if error.field != "row" else error.reason
            fault = Fault(row, became)
            found.failed += 1
            found.reasons.add(fault)
            if faults is not None:
                faults.write([fault])
        else:
            found.left_out += not became
            for mapped in became:
                found.alike += mapped.event.uid in names
                names.add(mapped.event.uid)
            found.types.update(short(mapped.event.type) for mapped in became)
        if len(found.first) < SHOWN:
            found.first.append((row, became))
        if found.rows % _EVERY == 0:
            report(found.rows)
    report(found.rows)
    return found


def _judge(events: Sequence[Mapped]) -> None:
    """Whether these are about somebody: in an import the API says so. Only it knows where numbers without a
    country code are dialled. Raises ``UnmappedError``."""
    for one in events:
        subject = one.event.subject
        if is_alias(subject) and one.event.data.entity == CUSTOMER:
            kind, value = split_alias(subject)
            if kind != "phone" or value.lstrip().startswith("+"):
                try:
                    normalised(kind, value)
                except AliasError as error:
                    raise UnmappedError("subject", str(error)) from None
