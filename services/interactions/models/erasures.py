"""Erasures, as the API answers them."""

from collections.abc import Mapping
from typing import Any, Literal

from services.interactions.domain.erasing.rows import ErasureRow
from shared.facts.certificate import latest_round
from shared.schemas.base import Frozen, Time


class ErasureAsked(Frozen):
    """``erasure`` names it for ever, without saying whose it is; ``location`` is where its certificate comes
    to be."""

    status: Literal["begun"]
    erasure: str
    location: str


class ErasureAwaited(Frozen):
    """It is in the log, and not handled yet; ``location`` is where its outcome comes to be."""

    status: Literal["pending"]
    location: str


class ErasureView(Frozen):
    """How far an erasure has come. ``missing``: the services that have not said yet that they are done."""

    erasure: str
    begun: Time | None
    complete: bool
    lifted: Time | None
    missing: list[str]


class ErasedBy(Frozen):
    """What a service removed: documents by collection."""

    service: str
    removed: Mapping[str, int]
    at: str


class CertificateEntry(Frozen):
    """``chain``: SHA-256 over the canonical JSON of the entry without it, with the chain of the one before as
    ``before``, of the first the erasure's name."""

    what: Literal["begun", "completed", "lifted"]
    at: str
    service: str | None = None
    removed: Mapping[str, int] | None = None
    chain: str


class Certificate(Frozen):
    """``signature``: Ed25519 over the canonical JSON of all else. Nothing may be added or left out. Of an
    erasure that has only just taken effect ``begun`` is null, and there are no ``entries`` yet; nor of one
    that was done elsewhere, whose tombstone was imported."""

    format: Literal["rapport.erasure.v1"]
    erasure: str
    begun: str | None
    complete: bool
    lifted: str | None
    services: list[ErasedBy]
    entries: list[CertificateEntry]
    public_key: str
    signature: str


class ErasureLifted(Frozen):
    """The id may be used again."""

    status: Literal["lifted"]
    erasure: str


class ErasureKey(Frozen):
    """Ed25519, 64 hex digits."""

    public_key: str


def erasure_view(row: ErasureRow) -> dict[str, Any]:
    """Of one, as a list has it."""
    latest = latest_round(row.entries)
    return {
        "erasure": row.erasure,
        "begun": latest.begun,
        "complete": latest.complete,
        "lifted": latest.lifted,
        "missing": row.missing or [],
    }
