"""What interactions' database says of the mail that is answered, and of who writes."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pymongo.asynchronous.database import AsyncDatabase

from services.interactions.domain.conversations.course import going_on, stands_in
from services.interactions.domain.mails import MailRow, complained_in, keys_of
from services.interactions.domain.rows import CUSTOMERS, MAILS
from services.interactions.person_store import customer_of
from shared.http.merged import survivor
from shared.schemas.times import micros


class MailStore:
    """Reads database ``rapport_interactions``. Raises PyMongo's errors."""

    def __init__(self, database: AsyncDatabase[dict[str, Any]]) -> None:
        self._database = database

    async def mails(self, names: Sequence[str]) -> list[MailRow]:
        """The mails of these Message-IDs that are known, the most likely first."""
        keys = keys_of(names)
        if not keys:
            return []
        rows = MailRow.read(await self._database[MAILS].find({"_id": {"$in": keys}}).to_list())
        return sorted(rows, key=lambda row: keys.index(row.key))

    async def has_address(self, customer_id: str) -> bool:
        """Whether a customer can be written to by e-mail."""
        row = await self._database[CUSTOMERS].find_one({"_id": customer_id}, {"email": True})
        return bool(row and row.get("email"))

    async def going_on(self, customer_id: str, subject: str, at: datetime) -> str | None:
        """The customer's open conversation of a subject line."""
        known = await customer_of(self._database, customer_id)
        return None if known is None else going_on(known.conversations, subject, micros(at))

    async def stands_in(self, customer_id: str, own: str) -> str | None:
        """The conversation of a mail that was told before, by the one that it would have begun."""
        known = await customer_of(self._database, customer_id)
        return None if known is None else stands_in(known.conversations, own)

    async def complained_in(self, customer_id: str, complaint_id: str) -> str | None:
        """The conversation that a complaint was made in; None where in none, or it is not known."""
        known = await customer_of(self._database, customer_id)
        return None if known is None else complained_in(known, complaint_id)

    async def survivor(self, customer_id: str) -> str:
        """Whom a customer's id means by now."""
        return await survivor(self._database, customer_id)
