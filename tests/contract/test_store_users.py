"""The rights of the store's users are made of what the services declare, and go no further."""

import re
from pathlib import Path

import pytest

from deploy.mongo.users import WRITTEN_BY_APIS, Role, collections, roles
from shared.schemas.services import SERVICES

ROOT = Path(__file__).parents[2]
WRITES = re.compile(
    r"\[?\"?(\w+)\"?\]?\.(?:insert_one|insert_many|update_one|update_many|replace_one|delete_one|delete_many|bulk_write)\("
)

OF_APIS = {"routes", "desk", "store.py", "pages", "models", "team_store.py", "figures_store.py"}
"""Files and folders of a service that its API alone runs."""


def by_name() -> dict[str, Role]:
    return {role.name: role for role in roles()}


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("kind", ["worker", "api"])
def test_a_user_sees_its_own_database_alone(service: str, kind: str) -> None:
    role = by_name()[f"rapport_{service}_{kind}"]
    assert {one["resource"]["db"] for one in role.privileges} == {f"rapport_{service}"}
    named = {one["resource"]["collection"] for one in role.privileges} - {""}
    assert named == set(collections(service))


@pytest.mark.parametrize("service", SERVICES)
def test_an_api_writes_nothing_that_an_event_tells(service: str) -> None:
    role = by_name()[f"rapport_{service}_api"]
    writes = {p["resource"]["collection"] for p in role.privileges if p["actions"] != ["find"]}
    assert writes == {"audit", *WRITTEN_BY_APIS.get(service, ())}


def test_what_apis_write_is_listed() -> None:
    """Read off the code: what routes, pages and queries call of the driver."""
    found = {
        service: [
            path.stem
            for path in sorted((ROOT / "services" / service).rglob("*.py"))
            if path.parts[len(ROOT.parts) + 2]
            in ("routes", "desk", "store.py", "pages", "models", "team_store.py")
            and WRITES.search(path.read_text(encoding="utf-8"))
        ]
        for service in SERVICES
    }
    assert {service: tuple(files) for service, files in found.items() if files} == WRITTEN_BY_APIS
