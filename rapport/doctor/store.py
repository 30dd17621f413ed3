"""MongoDB: does it let us in, which version is it, does it have transactions, is its clock ours."""

import re
import time
from datetime import UTC
from typing import Any

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

from rapport.doctor import certificates, clocks
from rapport.doctor.finding import Finding
from rapport.erasures.key import NOT_SET, other_key
from shared.runtime.mongo import UNAUTHORIZED, refusal_of, servers, unfound
from shared.runtime.transport import MongoSettings
from shared.schemas.services import SERVICES

OLDEST = (7, 0)
PATIENCE_MS = 5_000
DATABASE = "rapport_loyalty"
_TLS = re.compile(r"[?&](tls|ssl)=true\b", re.IGNORECASE)
"""What a URI asks TLS by; ``ssl`` is its older name."""


def look(settings: MongoSettings, key: bytes | None) -> list[Finding]:
    """``key``: that of erased ids, None where no variable tells it. Writes nothing."""
    where = servers(settings.mongo)
    client: MongoClient[dict[str, Any]] = MongoClient(
        settings.mongo, connect=False, serverSelectionTimeoutMS=PATIENCE_MS, **settings.mongo_tls
    )
    with client:
        try:
            before = time.time()
            hello = client.admin.command("hello")
            after = time.time()
            found = [
                Finding("store", where, "ok", "it answers"),
                version(str(client.admin.command("buildInfo")["version"])),
                replica_set(hello),
                clocks.judged("store", hello["localTime"].replace(tzinfo=UTC).timestamp(), before, after),
            ]
            if found[2].state == "ok":
                found.append(_transactions(client))
                found.append(erasure_key(client, key))
        except PyMongoError as error:
            refusal = refusal_of(settings, error)
            if (away := unfound(settings, error)) is not None:
                return [Finding("store", where, "bad", away, "correct RAPPORT_MONGO, or look at DNS here")]
            said = refusal.sentence if refusal else f"no answer ({type(error).__name__})"
            do = "" if refusal else "start it, or correct RAPPORT_MONGO; does it want TLS (RAPPORT_MONGO_CA)?"
            return [Finding("store", where, "bad", said, do), *_certificates(settings, client)]
        return [*found, *_certificates(settings, client)]


def version(text: str) -> Finding:
    """As the server tells it."""
    parts = tuple(int(part) for part in text.split(".")[:2] if part.isdigit())
    if parts < OLDEST:
        return Finding("store", "version", "bad", f"MongoDB {text}", "Rapport needs MongoDB 7: upgrade it")
    return Finding("store", "version", "ok", f"MongoDB {text}")


def replica_set(hello: dict[str, Any]) -> Finding:
    """What the server says of itself."""
    if hello.get("msg") == "isdbgrid":
        return Finding("store", "replica set", "ok", "a sharded cluster")
    if "setName" not in hello:
        do = "start mongod with --replSet, and call rs.initiate() once: a set may have one member"
        return Finding("store", "replica set", "bad", "a single server: it has no transactions", do)
    if not hello.get("isWritablePrimary"):
        do = "name all members and replicaSet=... in RAPPORT_MONGO, without directConnection"
        return Finding("store", "replica set", "bad", f"{hello['setName']}, but no primary is reached", do)
    members = len(hello.get("hosts", ()))
    said = f"{hello['setName']}, {members} member{'' if members == 1 else 's'}"
    return Finding("store", "replica set", "ok", said)


def _transactions(client: MongoClient[dict[str, Any]]) -> Finding:
    try:
        with client.start_session() as session, session.start_transaction():
            client[DATABASE]["partitions"].find_one(session=session)
    except OperationFailure as error:
        if error.code == UNAUTHORIZED:
            return Finding("store", "transactions", "skipped", f"this user may not read {DATABASE}")
        said = f"refused ({error.code}: {str(error).partition(', full error')[0][:200]})"
        return Finding("store", "transactions", "bad", said, "Rapport needs a replica set of MongoDB 7")
    return Finding("store", "transactions", "ok", "they work")


def erasure_key(client: MongoClient[dict[str, Any]], key: bytes | None) -> Finding:
    """Whether the databases' erased ids are of this key."""
    name = "erasure key"
    if key is None:
        return Finding("store", name, "skipped", NOT_SET)
    for service in SERVICES:
        try:
            refusal = other_key(client[f"rapport_{service}"], key)
        except OperationFailure as error:
            if error.code == UNAUTHORIZED:
                return Finding("store", name, "skipped", f"this user may not read rapport_{service}")
            raise
        if refusal is not None:
            return Finding("store", name, "bad", refusal.sentence)
    return Finding("store", name, "ok", "no database has erased ids of another one")


def _certificates(settings: MongoSettings, client: MongoClient[dict[str, Any]]) -> list[Finding]:
    files = [
        ("RAPPORT_MONGO_CA", settings.mongo_ca),
        ("RAPPORT_MONGO_CERTIFICATE", settings.mongo_certificate),
    ]
    found = certificates.files(files)
    if not settings.mongo_tls and not _TLS.search(settings.mongo) and "+srv:" not in settings.mongo:
        return found
    hosts = [(host, port or 27017) for host, port in _nodes(settings, client)]
    trust = certificates.by(settings.mongo_ca, settings.mongo_certificate)
    return [*certificates.shown("mongo", hosts, trust, "RAPPORT_MONGO"), *found]


def _nodes(settings: MongoSettings, client: MongoClient[dict[str, Any]]) -> list[tuple[str, int | None]]:
    """Those that were found, else those that the URI names."""
    if client.nodes:
        return sorted(client.nodes)
    named = [server.rpartition(":") for server in servers(settings.mongo).split(",")]
    return [(host, int(port)) if host else (port, None) for host, _, port in named]
