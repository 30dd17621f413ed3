"""Whose an alias is: found by one read, remembered for a while; where it is nobody's, a customer is made by
the alias's one writer (ADR 71)."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from time import monotonic
from typing import NamedTuple

from msgspec import structs
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import PyMongoError

from services.interactions.accepting import Told
from services.interactions.domain.aliases.state import AliasState
from services.interactions.erasure_store import ErasedIds
from services.interactions.errors import INVALID_ALIAS
from services.interactions.remembered import Latest
from shared.facts.aliases import Alias, AliasError, Identity, is_alias
from shared.facts.erased import ERASED_IDS
from shared.http.audit import touched
from shared.http.clock import ApiClock
from shared.http.commands import Sender
from shared.http.merged import survivor
from shared.http.problems import ProblemError
from shared.http.rounds import Rounds
from shared.journal.later import read_state
from shared.kafka.publisher import Record
from shared.merging.rows import MERGED
from shared.runtime.mongo import Document
from shared.schemas.base import CUSTOMER
from shared.schemas.codec import encode
from shared.schemas.commands.aliases import AliasClaimRequested, alias_state
from shared.schemas.customers import AliasAdded, AliasKind, CustomersData, CustomerUpdated
from shared.schemas.event import Event

REMEMBERED = 50_000
"""Aliases remembered by a process."""
FRESH_S = 15.0
"""How long: an alias that moves to another customer may be taken for the former's so long."""
LOOK_S = 1.0
"""How often it is looked whether somebody was erased meanwhile."""
AWAY_S = 1.0
"""So long the store may take to say it."""
SETTLED_S = 5.0
"""So long after that an alias may still name whoever was erased: whose it is is asked once more."""
RETRY_AFTER_S = 5
SOURCE = "/api/interactions/aliases"
"""Of the facts that introduce a customer who was made for an alias."""


class Owner(NamedTuple):
    """Whose an alias is."""

    customer: str
    known: bool
    """The customer has asked for it; one who was made for it and has not is to be introduced (again)."""
    named: str | None = None
    """Whom the alias names, where the customer is that one's survivor."""


class Kept(NamedTuple):
    """What is remembered of an alias."""

    customer: str
    named: str | None
    """As ``Owner`` has it."""
    read_at: float
    sure_at: float
    """When the customer was known not to be erased."""


class Resolver:
    """Of one process. Its methods raise PyMongo's errors, ``BrokerAwayError``, 422 ``invalid_alias``; those
    that make customers also 503 ``worker_unavailable`` where the worker does not say in time whose it is:
    nothing is lost then, ask again."""

    def __init__(
        self,
        identity: Identity,
        database: AsyncDatabase[Document],
        producer: Sender,
        clock: ApiClock,
        erased: ErasedIds,
        *,
        timeout: float,
    ) -> None:
        """``database`` is that of interactions; ``timeout``: seconds that its worker may take to answer."""
        self.identity = identity
        self._database = database
        self._states = database["state"]
        self._producer = producer
        self._clock = clock
        self._rounds = Rounds("interactions", database, producer, clock, timeout=timeout)
        self._merged, self._looked_at = False, -FRESH_S
        self._erased_ids, self._erased = erased, -1
        self._counted_at = self._erased_at = -FRESH_S
        self._found: Latest[str, Kept] = Latest(REMEMBERED)

    async def resolve(self, kind: AliasKind, value: str) -> str | None:
        """The customer who has this alias; None where nobody has it."""
        key = self.identity.key(self._read(kind, value))
        owner = (await self._owners([key])).get(key)
        return None if owner is None else owner.customer

    async def whose(self, written: str) -> str | None:
        """As ``resolve``, of ``kind:value`` as it stands in a query, where a plus may have become a space:
        that of a number's country code, and any within an address, which has no spaces."""
        kind, colon, value = written.partition(":")
        if kind == "email":
            written = f"{kind}{colon}{value.strip().replace(' ', '+')}"
        elif written.startswith("phone: "):
            written = written.replace(" ", "+", 1)
        try:
            alias = self.identity.read(written)
        except AliasError as error:
            raise INVALID_ALIAS(why=str(error), field="query.alias") from None
        return await self.resolve(*alias)

    async def resolve_or_make(
        self, kind: AliasKind, value: str, *, name: str | None = None, at: datetime | None = None
    ) -> str:
        """The customer who has this alias, or a new one, who is introduced by ``alias.added`` and
        ``customer.updated`` with the address or number, and the ``name``, as of ``at``, if given."""
        alias = self._read(kind, value)
        return (await self.customers({alias: at}, {} if name is None else {alias: name}))[alias]

    async def customers(
        self, aliases: Mapping[Alias, datetime | None], names: Mapping[Alias, str] | None = None
    ) -> dict[Alias, str]:
        """Whose these are, each read by ``identity``; those that nobody has are new customers', introduced as
        of the times given. One read for all, and for all that are nobody's one round of commands."""
        keys = {self.identity.key(alias): alias for alias in aliases}
        owners = await self._owners(keys)
        unknown = [key for key in keys if key not in owners]
        if unknown:
            owners |= await self._made({key: keys[key] for key in unknown})
        strangers = {key: owner for key, owner in owners.items() if not owner.known}
        if strangers:
            await self._introduce(
                [(keys[key], owner.customer, aliases[keys[key]]) for key, owner in strangers.items()],
                names or {},
            )
            self._remember(strangers)
        return {keys[key]: owner.customer for key, owner in owners.items()}

    def _read(self, kind: AliasKind, value: str) -> Alias:
        try:
            return self.identity.alias(kind, value)
        except AliasError as error:
            raise INVALID_ALIAS(why=str(error)) from None

    async def _owners(self, keys: Iterable[str]) -> dict[str, Owner]:
        """Whose these are, of those that are somebody's."""
        await self._look()
        keys, fresh = list(keys), monotonic() - FRESH_S
        kept = {key: one for key in keys if (one := self._found.get(key)) is not None and one.read_at > fresh}
        owners = {key: Owner(one.customer, True) for key, one in (await self._holding(kept)).items()}
        asked = [alias_state(key) for key in keys if key not in owners]
        if asked:
            read = await self._read_owners(asked)
            self._remember({key: owner for key, owner in read.items() if owner.known})
            owners |= read
        return owners

    async def _holding(self, kept: Mapping[str, Kept]) -> Mapping[str, Kept]:
        """What of this is so by now: where somebody was erased meanwhile, all whose customer was not, by one
        read; and whose old id is still merged into them, by another."""
        doubtful = {key: one for key, one in kept.items() if one.sure_at < self._erased_at}
        if doubtful:
            now, gone = monotonic(), await self._erased_ids.among(one.customer for one in doubtful.values())
            for key, one in doubtful.items():
                if one.customer not in gone:
                    self._found.keep(key, one._replace(sure_at=now))
            kept = {key: one for key, one in kept.items() if key not in doubtful or one.customer not in gone}
        ids = {id for one in kept.values() if one.named is not None for id in (one.named, one.customer)}
        if not ids:
            return kept
        rows = await self._database[MERGED.name].find({"_id": {"$in": sorted(ids)}}).to_list()
        into = {row["_id"]: row["into"] for row in rows}
        return {
            key: one
            for key, one in kept.items()
            if one.named is None or (into.get(one.named) == one.customer and not into.get(one.customer))
        }

    async def _look(self) -> None:
        """Whether somebody was erased. While the store is away what is remembered is enough."""
        now = monotonic()
        if now < self._counted_at + LOOK_S:
            return
        self._counted_at = now
        try:
            async with asyncio.timeout(AWAY_S):
                erased = await self._database[ERASED_IDS].estimated_document_count()
        except (PyMongoError, TimeoutError):
            self._counted_at = now + FRESH_S - LOOK_S
            return
        if erased != self._erased:
            self._erased_at = self._erased_at if self._erased < 0 else now
            self._erased = erased

    async def _read_owners(self, ids: Sequence[str]) -> dict[str, Owner]:
        query: Document = {"_id": ids[0] if len(ids) == 1 else {"$in": list(ids)}}
        rows = await self._states.find(query, batch_size=len(ids) + 1).to_list()
        states = [read_state(AliasState, row["data"]) for row in rows]
        named = {one.key: Owner(one.owner, one.known) for one in states if one.owner is not None}
        return await self._survivors(named)

    async def _survivors(self, owners: Mapping[str, Owner]) -> dict[str, Owner]:
        """Whoever these are by now: an alias names the id that it was told of, for good."""
        if not owners or not await self._any_merged():
            return dict(owners)
        ids = sorted({owner.customer for owner in owners.values()})
        rows = await self._database[MERGED.name].find({"_id": {"$in": ids}}).to_list()
        now = {row["_id"]: await survivor(self._database, row["_id"]) for row in rows}
        return {
            key: Owner(whose, owner.known, None if whose == owner.customer else owner.customer)
            for key, owner in owners.items()
            for whose in (now.get(owner.customer, owner.customer),)
        }

    async def _any_merged(self) -> bool:
        """Whether anybody was ever merged: looked at as often as an alias is; till then nothing more is read.
        An event of an old id reaches the survivor all the same."""
        if not self._merged and self._looked_at < monotonic() - FRESH_S:
            self._looked_at = monotonic()
            self._merged = await self._database[MERGED.name].find_one({}, {"_id": 1}) is not None
        return self._merged

    async def _made(self, aliases: Mapping[str, Alias]) -> dict[str, Owner]:
        asked = [(key, AliasClaimRequested(kind=alias.kind)) for key, alias in aliases.items()]
        outcomes = await self._rounds.ask("aliases", asked)
        if len(outcomes) < len(asked):
            raise ProblemError(
                503,
                "worker_unavailable",
                "It is not known yet whose the aliases are. Ask again, under the same ids.",
            )
        return {key: Owner(str(said["customer_id"]), bool(said["known"])) for key, said in outcomes.items()}

    async def _introduce(
        self, strangers: Sequence[tuple[Alias, str, datetime | None]], names: Mapping[Alias, str]
    ) -> None:
        now = await self._clock.now()
        records = []
        for alias, customer, at in strangers:
            key = self.identity.key(alias)
            told: list[CustomersData] = [AliasAdded(kind=alias.kind, value=alias.value)]
            profile: dict[str, str] = {alias.kind: alias.value} if alias.kind in ("email", "phone") else {}
            if alias in names:
                profile["name"] = names[alias]
            if profile:
                told.append(CustomerUpdated.model_validate(profile))
            for nth, data in enumerate(told):
                event = Event(f"{key}.{nth}", SOURCE, customer, at or now, data)
                value, headers = encode(event)
                records.append(Record(data.topic, customer.encode(), value, tuple(headers)))
        await self._producer.publish(records)

    def forget(self) -> None:
        """Read all anew."""
        self._found = Latest(REMEMBERED)
        self._looked_at = self._counted_at = -FRESH_S

    def _remember(self, owners: Mapping[str, Owner]) -> None:
        now = monotonic()
        sure_at = now if now >= self._erased_at + SETTLED_S else self._erased_at - 1
        for key, owner in owners.items():
            self._found.keep(key, Kept(owner.customer, owner.named, now, sure_at))


async def resolved(told: Sequence[Told], resolver: Resolver) -> Sequence[Told]:
    """The same events with customers' ids for subjects: ``kind:value`` is whoever has that alias, or a new
    customer. One read for all of them, none where all are ids. Raises as ``Resolver`` does."""
    aliases: dict[Alias, datetime | None] = {}
    of: dict[int, Alias] = {}
    for index, one in enumerate(told):
        event = one.event
        if not is_alias(event.subject) or event.data.entity != CUSTOMER:
            continue
        try:
            alias = resolver.identity.read(event.subject)
        except AliasError as error:
            raise INVALID_ALIAS(why=str(error), field="subject") from None
        of[index] = alias
        first = aliases.get(alias)
        aliases[alias] = event.time if first is None else min(first, event.time)
    if not of:
        return told
    customers = await resolver.customers(aliases)
    for customer in customers.values():
        touched(customer)
    return [
        Told(structs.replace(one.event, subject=customers[of[index]]), one.raw) if index in of else one
        for index, one in enumerate(told)
    ]
