"""The key of erased ids' hashes, as the variables tell it, and whether databases know it."""

import os
from collections.abc import Mapping
from typing import Any, TypeAlias

from pymongo.database import Database

from rapport import connections
from rapport.trouble import TroubleError
from shared.facts.erased import ERASED_IDS, KEYS
from shared.runtime.erasure_guard import ASKED, another, keeping, refused
from shared.runtime.keyring import ErasureKeySettings
from shared.runtime.refusal import Refusal

GIVEN = "RAPPORT_ERASURE_KEY"
NOT_SET = f"Set {GIVEN}, or RAPPORT_SECRET_KEY where that is not set, as the services have it."
Store: TypeAlias = Database[dict[str, Any]]


def erased_by(known: Mapping[str, str], environ: Mapping[str, str] | None = None) -> bytes:
    """The services' own by these variables; the one of the environment goes before them. Raises
    TroubleError."""
    if (key := told(known, environ)) is None:
        raise TroubleError(NOT_SET)
    return key


def told(known: Mapping[str, str], environ: Mapping[str, str] | None = None) -> bytes | None:
    """The same; None where no variable tells it. Raises TroubleError for one that is not valid."""
    environ = os.environ if environ is None else environ
    given = {GIVEN: environ[GIVEN]} if environ.get(GIVEN) else {}
    return connections.read(ErasureKeySettings, {**known, **given}).known_erasure_key


def other_key(store: Store, key: bytes) -> Refusal | None:
    """Why a service's database is not served with this key, as its processes would say; None where it is.
    Raises PyMongo's errors."""
    other = another(store[KEYS].find_one(ASKED), key)
    if other is None or store[ERASED_IDS].find_one({}) is None:
        return None
    return refused(store.name, other, key)


def keep_key(store: Store, key: bytes) -> None:
    """The database's erased ids are of this key: no process starts with another one."""
    store[KEYS].update_one(ASKED, keeping(key), upsert=True)
