"""The one way to the store: what exactly-once rests on is said here, whatever the URI says."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC
from typing import Any, TypeAlias

import structlog
from pymongo import AsyncMongoClient
from pymongo.errors import ConfigurationError, OperationFailure, PyMongoError

from shared.runtime.refusal import Refusal, certificate_refusal, end_process
from shared.runtime.settings import Settings
from shared.runtime.transport import MongoSettings
from shared.runtime.words import words

log = structlog.get_logger(__name__)

Document: TypeAlias = dict[str, Any]
"""As the driver takes and gives it."""

WRITING_SECONDS, COMMIT_SECONDS = 7.0, 3.0
"""For all the writes of a transaction, and for its commit; what is not done by then is tried again. The
driver heeds no ``max_commit_time_ms`` where there is a ``timeoutMS``. The commit has a limit of its own: were
one not sent at all, as the time is up, the server would hold the transaction open for a minute."""

UNAUTHORIZED, AUTHENTICATION = 13, frozenset({11, 18})
"""Codes of a server's answer: the user may not; there is no such user, or with another password."""
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 10.0
"""Seconds between two tries to get in."""

_SERVERS_OWN = ("wire version", "Sessions are not supported")
"""In what the driver says of servers that it has found."""
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
    options = {
        "serverSelectionTimeoutMS": int(settings.store_timeout * 1000),
        **limits,
        **settings.mongo_tls,
        **PROMISES,
    }
    return AsyncMongoClient(settings.mongo, **options)


async def until_let_in(
    settings: MongoSettings,
    call: Callable[[], Awaitable[object]],
    refused: Callable[[Refusal], object] = end_process,
) -> None:
    """Try this again, later each time, while the store is away. ``refused`` is called where it does not let
    us in."""
    delay = FIRST_PAUSE
    while True:
        try:
            await call()
        except (PyMongoError, OSError) as error:
            if (refusal := refusal_of(settings, error)) is not None:
                refused(refusal)
            why = unfound(settings, error) or words(error)
            log.warning("waiting for a dependency", dependency="mongo", error=why, retry_in=delay)
            await asyncio.sleep(delay)
            delay = min(delay * 2, LONGEST_PAUSE)
        else:
            return


def refusal_of(settings: MongoSettings, error: BaseException) -> Refusal | None:
    """What is to be done where the store does not let us in or is not to be trusted; None for any other
    trouble. Says nothing of the URI but its servers."""
    where = servers(settings.mongo)
    if isinstance(error, OperationFailure) and error.code == UNAUTHORIZED:
        said = str(error.details.get("errmsg", "") if error.details else "")[:200]
        do = "give it the role of docs/operating.md, and look at authSource in RAPPORT_MONGO"
        return Refusal("mongo_rights", f"The user that RAPPORT_MONGO names may not do this ({said}): {do}.")
    # A server that did not let somebody in is not asked again for a while: then only the text says why.
    if getattr(error, "code", None) in AUTHENTICATION or "authentication failed" in str(error).lower():
        do = "check the user, the password and authSource in RAPPORT_MONGO"
        return Refusal("mongo_login", f"The store at {where} does not let its user in: {do}.")
    return certificate_refusal("mongo", str(error), f"the store at {where}", "RAPPORT_MONGO")


def unfound(settings: MongoSettings, error: BaseException) -> str | None:
    """What is wrong where DNS is to name the servers (``mongodb+srv``) and does not; None for any other
    trouble. DNS may only be away, so this is waited for."""
    if not isinstance(error, ConfigurationError) or any(word in str(error) for word in _SERVERS_OWN):
        return None
    if settings.mongo.startswith("mongodb+srv://"):
        where = servers(settings.mongo)
        return f"DNS names no servers for {where} (SRV records of _mongodb._tcp.{where}), or does not answer"
    return None


def servers(uri: str) -> str:
    """The part of a URI that may be shown: where the servers are."""
    _, _, rest = uri.partition("://")
    return rest.partition("/")[0].partition("?")[0].rpartition("@")[2]
