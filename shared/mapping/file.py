"""A mapping file, read and checked: of itself, against its sample, and against records as they come."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared.expressions.kinds import ANY, Kind
from shared.mapping.building import plain
from shared.mapping.form import MappingForm
from shared.mapping.mapping import Mapper, compiled
from shared.mapping.places import Places
from shared.mapping.sampling import seen
from shared.runtime.config import ConfigError, documents, read_config, validated

WHAT = "mapping"


@dataclass(frozen=True, slots=True)
class MappingFile:
    """A file whose form is right. What its expressions name is checked by ``over``."""

    file: Path
    text: str
    form: MappingForm
    places: Places
    sample: tuple[Any, ...]
    """Records that the file brings itself."""

    def over(self, row: Kind | None = None) -> Mapper:
        """The mapping of such records: ``row`` is their kind; without it the sample's, and without one all
        that is named is taken for there. Raises ``ConfigError``."""
        kind = row if row is not None else seen(self.sample) if self.sample else ANY
        try:
            return compiled(self.form, self.places, kind)
        except ConfigError as error:
            raise ConfigError(f"The {WHAT} {self.file} is not valid: {error}.") from None

    def seen_with(self, records: Sequence[Any]) -> Kind:
        """The kind of records like these and those of the sample."""
        return seen([*self.sample, *records])


def load_mapping(file: Path) -> MappingFile:
    """The mapping of a YAML file. Raises ``ConfigError``, which names line and column."""
    return read_config(WHAT, file, lambda text: _parsed(file, text))


def _parsed(file: Path, text: str) -> MappingFile:
    found = documents(text)
    if len(found) > 1:
        raise ConfigError("it must be one document")
    places = Places(text)
    form = validated(MappingForm, found[0], place=lambda path: f"{places.of(path)}: ")
    try:
        sample = _sample(file, form.sample)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not JSON"
        raise ConfigError(f"{places.of(('sample',))}: sample: {form.sample} cannot be read: {why}") from None
    return MappingFile(file, text, form, places, sample)


def _sample(file: Path, told: Any) -> tuple[Any, ...]:
    if isinstance(told, str):
        told = json.loads((file.parent / told).read_text(encoding="utf-8"))
    if told is None:
        return ()
    return tuple(map(plain, told)) if isinstance(told, list) else (plain(told),)
