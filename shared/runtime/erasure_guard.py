"""Nothing starts under another erasure key than its store's tombstones were made with: by that key nobody who
was erased would be known, and all of them could come back, without a word."""

from typing import Final

from pymongo.asynchronous.database import AsyncDatabase

from shared.facts.erased import ERASED_IDS, ERASURE, KEYS, key_fingerprint
from shared.runtime.mongo import Document
from shared.runtime.refusal import Refusal

CODE: Final = "erasure_key"
NAMES = "RAPPORT_ERASURE_KEY (or RAPPORT_SECRET_KEY, where that is not set)"
"""The settings that tell the key."""
ASKED = {"_id": ERASURE}


async def other_key(database: AsyncDatabase[Document], key: bytes) -> Refusal | None:
    """Why a process with this key may not serve the service's database; None where it may. Writes nothing.
    Raises PyMongo's errors."""
    other = another(await database[KEYS].find_one(ASKED), key)
    if other is None or await database[ERASED_IDS].find_one({}) is None:
        return None
    return refused(database.name, other, key)


async def keep_key(database: AsyncDatabase[Document], key: bytes) -> Refusal | None:
    """As ``other_key``, and from then on the database has the fingerprint of this key. One of another key
    gives way as long as nobody has been erased."""
    refusal = await other_key(database, key)
    if refusal is None:
        await database[KEYS].update_one(ASKED, keeping(key), upsert=True)
        refusal = await other_key(database, key)  # one with another key may have started meanwhile
    return refusal


def another(kept: Document | None, key: bytes) -> str | None:
    """The fingerprint that a database keeps (``ASKED``) where it is of another key; else None."""
    found = None if kept is None else str(kept["fingerprint"])
    return None if found == key_fingerprint(key) else found


def keeping(key: bytes) -> Document:
    """The update by which it keeps this key's."""
    return {"$set": {"fingerprint": key_fingerprint(key)}}


def refused(database: str, kept: str, key: bytes) -> Refusal:
    """``kept``: the fingerprint that the database has."""
    return Refusal(
        CODE,
        f"Who was erased from {database} is known under the erasure key with the fingerprint {kept}, and the "
        f"one that is set has {key_fingerprint(key)}: under it they all could come back. Set {NAMES} to what "
        "it was.",
    )
