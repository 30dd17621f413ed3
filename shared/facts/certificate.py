"""An erasure's certificate: what each service removed and when, chained, and signed so that somebody who has
the public key can tell that nothing of it was changed (ADR 85). Pure."""

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from shared.schemas.services import SERVICES

FORMAT = "rapport.erasure.v1"
LABEL = b"rapport erasure certificate"
"""What the signing key is derived with: it is another key than that of the hashes."""

Entry = Mapping[str, Any]
"""``what``: begun (it is known here), completed (``service`` has nothing left, ``removed`` how many documents
by collection), lifted (the id may be used again); ``at``: when, as JSON has times; ``chain``."""


class Check(NamedTuple):
    """One thing that must hold of a certificate, and why it does not, if so."""

    name: str
    fault: str | None


class Round(NamedTuple):
    """How far an erasure has come, by its entries since it began or, if it was lifted, until then."""

    begun: str | None
    services: list[dict[str, Any]]
    """``service``, ``removed``, ``at``, in the order in which they were done."""
    lifted: str | None

    @property
    def missing(self) -> list[str]:
        """The services that have not answered."""
        done = {one["service"] for one in self.services}
        return [service for service in SERVICES if service not in done]

    @property
    def complete(self) -> bool:
        return not self.missing


def canonical(value: Any) -> bytes:
    """JSON of which there is one: keys sorted, nothing between, UTF-8."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode()


def timestamp(at: datetime) -> str:
    """A time as entries have it: UTC, ``2026-11-27T05:00:00.120000Z``."""
    return at.isoformat(timespec="microseconds").replace("+00:00", "Z")


def chained(erasure: str, before: Sequence[Entry], entry: Entry) -> dict[str, Any]:
    """The entry with its ``chain``: SHA-256, in hex, over its canonical JSON with the chain of the one before
    as ``before``; the first one's is the erasure's name."""
    link = before[-1]["chain"] if before else erasure
    return {**entry, "chain": hashlib.sha256(canonical({**entry, "before": link})).hexdigest()}


def latest_round(entries: Sequence[Entry]) -> Round:
    """The last erasure of an id that was lifted and erased again, or the only one."""
    ends = [place for place, entry in enumerate(entries) if entry["what"] == "lifted"]
    over = bool(ends) and ends[-1] == len(entries) - 1
    before = ends[:-1] if over else ends
    latest = entries[before[-1] + 1 if before else 0 :]
    services: dict[str, dict[str, Any]] = {}
    for entry in latest:
        if entry["what"] == "completed":
            # One that was done twice, as after a backup was restored, says both.
            told = {name: entry[name] for name in ("service", "removed", "at")}
            services.setdefault(entry["service"], told)
    begun = next((entry["at"] for entry in latest if entry["what"] == "begun"), None)
    return Round(begun, list(services.values()), latest[-1]["at"] if over else None)


def signing_seed(erasure_key: bytes) -> bytes:
    """The 32 bytes of the Ed25519 key that certificates are signed with."""
    return hmac.digest(erasure_key, LABEL, "sha256")


def public_key(seed: bytes) -> str:
    """What signatures are checked with: 64 hex digits."""
    key: str = _private(seed).public_key().public_bytes_raw().hex()
    return key


def certificate(erasure: str, entries: Sequence[Entry], seed: bytes) -> dict[str, Any]:
    """The signed document, as JSON has it."""
    said = _said(erasure, entries) | {"public_key": public_key(seed)}
    return said | {"signature": _private(seed).sign(canonical(said)).hex()}


def checks(told: Any, key: str | None = None) -> list[Check]:
    """What must hold of a certificate, in the order in which it is looked at. ``key``: the public key that is
    known to be Rapport's; without it that in the certificate is used, which proves less."""
    fault = _misshapen(told)
    if fault is not None:
        return [Check("format", fault)]
    found = [Check("format", None)]
    entries: list[dict[str, Any]] = told["entries"]
    found.append(Check("chain", _broken(told["erasure"], entries)))
    kept = {name: told.get(name) for name in _said(told["erasure"], entries)}
    other = [name for name, value in _said(told["erasure"], entries).items() if kept[name] != value]
    found.append(Check("summary", f"{', '.join(other)}: not what the entries say" if other else None))
    if key is not None:
        same = hmac.compare_digest(key.lower().encode(), str(told["public_key"]).encode())
        found.append(Check("key", None if same else "the certificate names another public key"))
    found.append(Check("signature", _unsigned(told, key or told["public_key"])))
    latest = latest_round(entries)
    missing = f"not answered: {', '.join(latest.missing)}" if latest.missing else None
    found.append(Check("complete", missing))
    return found


def _said(erasure: str, entries: Sequence[Entry]) -> dict[str, Any]:
    latest = latest_round(entries)
    return {
        "format": FORMAT,
        "erasure": erasure,
        "begun": latest.begun,
        "complete": latest.complete,
        "lifted": latest.lifted,
        "services": latest.services,
        "entries": [dict(entry) for entry in entries],
    }


def _misshapen(told: Any) -> str | None:
    if not isinstance(told, dict) or told.get("format") != FORMAT:
        return f"it is no {FORMAT}"
    if not all(isinstance(told.get(name), str) for name in ("erasure", "public_key", "signature")):
        return "erasure, public_key or signature is missing"
    entries = told.get("entries")
    if not isinstance(entries, list) or not entries:
        return "there are no entries"
    for number, entry in enumerate(entries):
        texts = ("what", "at", "chain")
        if not isinstance(entry, dict) or not all(isinstance(entry.get(name), str) for name in texts):
            return f"entries[{number}]: what, at or chain is missing"
        told = isinstance(entry.get("service"), str) and isinstance(entry.get("removed"), dict)
        if entry["what"] == "completed" and not told:
            return f"entries[{number}]: service or removed is missing"
    return None


def _broken(erasure: str, entries: Sequence[Entry]) -> str | None:
    for number, entry in enumerate(entries):
        plain = {name: value for name, value in entry.items() if name != "chain"}
        if chained(erasure, entries[:number], plain)["chain"] != entry["chain"]:
            return f"entries[{number}] is not what it was, or does not follow on the one before"
    return None


def _unsigned(told: Mapping[str, Any], key: str) -> str | None:
    from cryptography.exceptions import InvalidSignature  # long to load, and few need it
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    said = {name: value for name, value in told.items() if name != "signature"}
    try:
        public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(key))
        public.verify(bytes.fromhex(told["signature"]), canonical(said))
    except ValueError:
        return "the key or the signature is not in hex, or of another length"
    except InvalidSignature:
        return "the certificate was changed, or signed with another key"
    return None


def _private(seed: bytes) -> Any:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # long to load

    return Ed25519PrivateKey.from_private_bytes(seed)
