"""The roles of MongoDB's users, made of the collections that each service declares.

A worker writes its own database, an API reads it: what an API asks for is a command on Kafka.
"""

import json
from collections.abc import Iterator
from importlib import import_module
from typing import Any, NamedTuple

from shared.domain import Collection
from shared.journal.store import COLLECTIONS
from shared.runtime.trail import AUDIT
from shared.schemas.services import SERVICES

READING = ("find",)
WRITING = ("find", "insert", "remove", "update")
PREPARING = ("createCollection", "createIndex")
"""At a worker's start: a collection is made, with its indexes, before the first transaction."""
OWN_JOURNAL = ("metrics",)
"""Services that keep no document an event, so that their collections are those of their rows alone."""
WRITTEN_BY_APIS = {"interactions": ("presence",)}
"""Who looks at a customer's page just now: nothing that an event tells."""


class Role(NamedTuple):
    """Of one kind of process; its user has the same name."""

    name: str
    privileges: list[dict[str, Any]]


def collections(service: str) -> list[str]:
    """What a service has in its database."""
    rows: tuple[Collection, ...] = import_module(f"services.{service}.domain.rows").COLLECTIONS
    shared = (AUDIT,) if service in OWN_JOURNAL else COLLECTIONS
    return sorted(one.name for one in (*shared, *rows))


def roles() -> Iterator[Role]:
    """Two a service."""
    for service in SERVICES:
        listing = _privilege(service, "", ("listCollections",))
        written = [_privilege(service, name, (*WRITING, *PREPARING)) for name in collections(service)]
        yield Role(f"rapport_{service}_worker", [listing, *written])
        own = (AUDIT.name, *WRITTEN_BY_APIS.get(service, ()))
        read = [_privilege(service, n, WRITING if n in own else READING) for n in collections(service)]
        yield Role(f"rapport_{service}_api", read)


def _privilege(service: str, collection: str, actions: tuple[str, ...]) -> dict[str, Any]:
    resource = {"db": f"rapport_{service}", "collection": collection}
    return {"resource": resource, "actions": sorted(actions)}


HEAD = """\
// Written by `python -m deploy.generate` from what the services declare (deploy/mongo/users.py).
//
//     mongosh "mongodb://admin@mongo.example/?tls=true" deploy/mongo/users.js
//
// Makes a role and a user for each kind of process, or brings the roles up to date: safe to repeat. A new
// user's password is that of a variable such as RAPPORT_LOYALTY_WORKER_PASSWORD, else asked for; a user that
// is there keeps the one it has. RAPPORT_MONGO is then mongodb://rapport_loyalty_worker:...@.../?tls=true.
"""

TAIL = """
const admin = db.getSiblingDB("admin");
for (const [name, privileges] of Object.entries(ROLES)) {
  if (admin.getRole(name)) {
    admin.updateRole(name, { privileges, roles: [] });
  } else {
    admin.createRole({ role: name, privileges, roles: [] });
  }
  if (!admin.getUser(name)) {
    const pwd = process.env[`${name.toUpperCase()}_PASSWORD`];
    print(`user ${name}`);
    admin.createUser({ user: name, pwd: pwd || passwordPrompt(), roles: [{ role: name, db: "admin" }] });
  }
}
"""


def script() -> str:
    """For mongosh."""
    told = []
    for role in roles():
        lines = ",\n".join(f"    {json.dumps(one)}" for one in role.privileges)
        told.append(f"  {json.dumps(role.name)}: [\n{lines},\n  ],\n")
    return f"{HEAD}\nconst ROLES = {{\n{''.join(told)}}};\n{TAIL}"
