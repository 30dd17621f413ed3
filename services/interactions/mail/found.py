"""What interactions' database says of the mail that is answered, and of who writes."""

from collections.abc import Sequence
from typing import Any

from pymongo.asynchronous.database import AsyncDatabase

from services.interactions.domain.mails import MailRow, keys_of
from services.interactions.domain.rows import CUSTOMERS, MAILS
from shared.http.merged import survivor


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

    async def survivor(self, customer_id: str) -> str:
        """Whom a customer's id means by now."""
        return await survivor(self._database, customer_id)
