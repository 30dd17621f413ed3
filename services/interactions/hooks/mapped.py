"""Webhooks of any system whose JSON a mapping file reads, signed as Standard Webhooks says (ADR 73)."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

import msgspec

from services.interactions.accepting import Told
from services.interactions.hooks.heard import UnreadableError
from shared.mapping.building import UnmappedError
from shared.mapping.mapping import Mapper
from shared.runtime.webhooks import verify


class MappedHook(NamedTuple):
    """One such webhook: ``POST /hooks/<name>``."""

    name: str
    keys: tuple[bytes, ...]
    """Any of them may have signed."""
    mapper: Mapper


def heard(hook: MappedHook, headers: Mapping[str, str], body: bytes, now: datetime) -> list[Told]:
    """The events of a webhook, a record or a list of them; none where the mapping leaves them out. ``now`` is
    the wall clock's. Raises ``UnsignedError``, ``UnreadableError``."""
    message_id = verify(hook.keys, headers, body, now.timestamp())
    try:
        told = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise UnreadableError("it is no JSON") from None
    several = isinstance(told, list)
    found: list[Told] = []
    for number, record in enumerate(told if several else [told], start=1):
        if not isinstance(record, dict):
            raise UnreadableError("it is no JSON object")
        name = f"{message_id}.{number}" if several else message_id
        try:
            found += [Told(*mapped) for mapped in hook.mapper.events(record, now, name)]
        except UnmappedError as fault:
            raise UnreadableError(str(fault)) from None
    return found
