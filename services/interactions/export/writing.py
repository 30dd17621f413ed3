"""An export as JSON, written as the rows come: a part of it is some text, and none is ever whole in memory.

Rows of a part come from several ids, and in between those of others. So each part's rows are pieces of their
own, and it is the places of the pieces that make one document of them.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from services.interactions.export.gathering import Held
from shared.http.held import json_text
from shared.schemas.export import FORMAT, PARTS

PIECE = 256 * 1024
"""Characters that are kept together."""

Put = Callable[[str, str], Awaitable[None]]
"""Keeps a text at a place; places are ordered as texts."""

_NAMED = {(service, collection): name for name, (service, collection) in PARTS.items()}
LAST = "~"


class Writer:
    """Writes one document."""

    def __init__(self, put: Put) -> None:
        self._put = put
        self._pending: dict[str, list[str]] = {}
        self._sizes: dict[str, int] = {}
        self._written: dict[str, int] = {}
        self.counts: dict[str, dict[str, int]] = {}
        """Rows by service and collection."""

    async def add(self, held: Held) -> None:
        """A row."""
        counts = self.counts.setdefault(held.service, {})
        counts[held.collection] = counts.get(held.collection, 0) + 1
        text = json_text(held.row)
        part = _part(held)
        self._pending.setdefault(part, []).append(text)
        self._sizes[part] = self._sizes.get(part, 0) + len(text)
        if self._sizes[part] >= PIECE:
            await self._flush(part)

    async def close(self, about: Mapping[str, Any]) -> None:
        """All rows were told; ``about``: what else the document says."""
        for part in sorted(self._pending):
            await self._flush(part)
        head = json_text({"format": FORMAT, **about, "rows": self.counts})
        await self._put("0", head[:-1])
        for name in PARTS:
            await self._frame(f"1{name}", f",{json_text(name)}:[")
        await self._put("2", ',"other":{')
        others = [part for part in self._written if part.startswith("2/")]
        services = sorted({part.split("/")[1] for part in others})
        for n, service in enumerate(services):
            comma = "," if n else ""
            await self._put(f"2/{service}", f"{comma}{json_text(service)}:{{")
            for m, part in enumerate(sorted(p for p in others if p.split("/")[1] == service)):
                comma = "," if m else ""
                await self._frame(part, f"{comma}{json_text(part.split('/')[2])}:[")
            await self._put(f"2/{service}/{LAST}", "}")
        await self._put("3", "}}")

    async def _frame(self, part: str, begin: str) -> None:
        await self._put(part, begin)
        await self._put(f"{part}/{LAST}", "]")

    async def _flush(self, part: str) -> None:
        rows = self._pending.pop(part, [])
        if not rows:
            return
        number = self._written.get(part, 0)
        self._written[part] = number + 1
        self._sizes[part] = 0
        await self._put(f"{part}/{number:08d}", ("," if number else "") + ",".join(rows))


def _part(held: Held) -> str:
    name = _NAMED.get((held.service, held.collection))
    return f"2/{held.service}/{held.collection}" if name is None else f"1{name}"
