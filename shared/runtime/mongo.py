"""The one way to the store: what exactly-once rests on is said here, whatever the URI says."""

from datetime import UTC
from typing import Any, TypeAlias

from pymongo import AsyncMongoClient

from shared.runtime.settings import Settings

Document: TypeAlias = dict[str, Any]
"""As the driver takes and gives it."""

WRITING_SECONDS, COMMIT_SECONDS = 7.0, 3.0
"""For all the writes of a transaction, and for its commit; what is not done by then is tried again. The
driver heeds no ``max_commit_time_ms`` where there is a ``timeoutMS``. The commit has a limit of its own: were
one not sent at all, as the time is up, the server would hold the transaction open for a minute."""

PROMISES: dict[str, Any] = {
    # What is acknowledged outlives the primary, and nothing is read that could be rolled back.
    "w": "majority",
    "journal": True,
    "wTimeoutMS": 0,
    "readConcernLevel": "majority",
    # A worker reads what it wrote.
    "readPreference": "primary",
    "readPreferenceTags": "",
    "maxStalenessSeconds": -1,
    # Times come back aware; ids of server sessions (``Binary``) as they went.
    "tz_aware": True,
    "tzinfo": UTC,
    "uuidRepresentation": "unspecified",
}
"""Options of the driver that go before those of the URI."""


def connect(settings: Settings, **limits: Any) -> AsyncMongoClient[dict[str, Any]]:
    """A client that connects when first used. ``limits``: the driver's options for how long it waits, in
    milliseconds, beside that for finding a server (``RAPPORT_STORE_TIMEOUT``)."""
    selection = int(settings.store_timeout * 1000)
    return AsyncMongoClient(settings.mongo, serverSelectionTimeoutMS=selection, **limits, **PROMISES)
