"""The file of ``rapport erasures``: JSON, of which nothing says whose the ids were.

    {"format": "rapport.erasures.v1", "exported": "2026-11-27T05:00:00Z", "key": "<32 hex digits>",
     "erased": {"interactions": ["<32 hex digits>", ...], "loyalty": [], "followup": [], "metrics": []}}

``key`` tells under which erasure key the hashes were made, and nothing of it.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from rapport.trouble import TroubleError
from shared.facts.erased import HASH_DIGITS, key_fingerprint
from shared.schemas.services import SERVICES

FORMAT = "rapport.erasures.v1"
_HASH = re.compile(f"[0-9a-f]{{{HASH_DIGITS}}}")


@dataclass(frozen=True, slots=True)
class Tombstones:
    """The hashes of erased ids, by service."""

    key: str
    """The fingerprint of the key that they were made with."""
    erased: Mapping[str, frozenset[str]]

    def text(self, at: datetime) -> str:
        """As the file has it, exported ``at`` this time."""
        erased = {service: sorted(self.erased[service]) for service in SERVICES}
        exported = at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        told = {"format": FORMAT, "exported": exported, "key": self.key, "erased": erased}
        return json.dumps(told, indent=1) + "\n"


def parse(text: str | bytes, key: bytes) -> Tombstones:
    """What ``text`` wrote under this erasure key. Raises TroubleError, which names the field at fault."""
    try:
        told = json.loads(text)
    except ValueError:
        raise TroubleError("It is not JSON: give a file that `rapport erasures export` wrote.") from None
    if not isinstance(told, dict) or told.get("format") != FORMAT:
        raise TroubleError(f"format: it is no {FORMAT}, as `rapport erasures export` writes it.")
    if told.get("key") != key_fingerprint(key):
        raise TroubleError(
            "key: its hashes were made with another erasure key, by which nobody would be known again. Set "
            "RAPPORT_ERASURE_KEY (or RAPPORT_SECRET_KEY, where that is not set) to what it was."
        )
    erased = told.get("erased")
    if not isinstance(erased, dict) or erased.keys() != {*SERVICES}:
        raise TroubleError(f"erased: it must have a list for each of {', '.join(SERVICES)}, and no other.")
    return Tombstones(told["key"], {service: _hashes(service, erased[service]) for service in SERVICES})


def _hashes(service: str, told: Any) -> frozenset[str]:
    if not isinstance(told, list):
        raise TroubleError(f"erased.{service}: it is no list.")
    for number, one in enumerate(told):
        if not isinstance(one, str) or _HASH.fullmatch(one) is None:
            raise TroubleError(f"erased.{service}[{number}]: it is no {HASH_DIGITS} hex digits.")
    return frozenset(told)
