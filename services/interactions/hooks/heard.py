"""What an adapter makes of a webhook."""

import base64
import hmac
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from typing import Annotated, NamedTuple, TypeAlias, TypeVar

import msgspec
from pydantic import TypeAdapter, ValidationError

from shared.schemas.base import ID_PATTERN, Data, parse_time
from shared.schemas.customers import CustomerUpdated
from shared.schemas.event import Event
from shared.schemas.fields import Email, Phone
from shared.schemas.money import NUMBER
from shared.schemas.money import minor as minor_of

Amount: TypeAlias = Annotated[str, msgspec.Meta(pattern=rf"^(?:\s*{NUMBER}\s*)?\Z")] | int | float | None
"""As shops write amounts: ``"12.50"``, sometimes as a number, or nothing."""
Key: TypeAlias = int | str
"""As shops write ids."""

S = TypeVar("S")

MOST = 2**53
_EMAIL, _PHONE = TypeAdapter[str](Email), TypeAdapter[str](Phone)
UNRESOLVED = "unresolved"
"""Stands for the customer of an order until it is known who that is."""
SHORTEST_SECRET = 8
"""People make them up for WooCommerce; Shopify's have 32 characters and more."""


class UnreadableError(Exception):
    """The webhook is not of the shape that its topic has. The text says where, without what it says."""


class Who(NamedTuple):
    """By what a shop knows somebody: the names of them, those that say most first."""

    email: str | None = None
    phone: str | None = None
    account: str | None = None
    name: str | None = None


class Heard(NamedTuple):
    """The events of a webhook, and whom they are about: their subject, or the customer of their order.
    Without events it says why there are none."""

    events: tuple[Event, ...] = ()
    who: Who | None = None
    ignored: str | None = None


def ignored(why: str) -> Heard:
    """Nothing is done about it: ``test``, ``draft``, ``topic`` (one that nothing is known of), and so on."""
    return Heard(ignored=why)


class Telling(NamedTuple):
    """Makes the events of one webhook."""

    source: str
    id: str

    def event(self, data: Data, subject: str, at: datetime, part: str = "") -> Event:
        """``part``: of several events, what tells one from the others."""
        id = f"{self.id[:100]}:{part}" if part else self.id
        return Event(id=id, source=self.source, subject=subject, time=at, data=data)

    def one(self, data: Data, subject: str, at: datetime, who: Who | None = None) -> Heard:
        return Heard((self.event(data, subject, at),), who)

    def profile(self, who: Who, at: datetime) -> Event:
        """What a shop knows of a customer; what it does not know stays as it is."""
        fields = {"name": who.name, "email": who.email, "phone": who.phone}
        data = CustomerUpdated.model_validate({name: value for name, value in fields.items() if value})
        return self.event(data, UNRESOLVED, at)


def accepted_secrets(setting: str) -> tuple[bytes, ...]:
    """The secrets of a setting: one, or several with commas between while one takes another's place. A secret
    may have commas itself: it counts whole too, and parts that are too short do not count. A comma that was
    left over is none. Raises ValueError, which says what it must be."""
    parts = [part for one in setting.split(",") if (part := one.strip())]
    whole = setting.strip(", \t\r\n")
    if len(whole) < SHORTEST_SECRET:
        raise ValueError(f"must have {SHORTEST_SECRET} characters or more, blanks and commas around it aside")
    several = [whole, *(part for part in parts if len(part) >= SHORTEST_SECRET)]
    return tuple(secret.encode() for secret in dict.fromkeys([setting, *several]))


def is_signed(secrets: Iterable[bytes], body: bytes, signature: str) -> bool:
    """Whether one of the secrets has signed the body: base64 of its HMAC-SHA256."""
    given = signature.strip().encode("utf-8", "surrogateescape")
    return any(
        hmac.compare_digest(base64.b64encode(hmac.digest(secret, body, "sha256")), given)
        for secret in secrets
    )


@lru_cache(4096)  # an order says the same few amounts many times, "0.00" most
def minor(amount: Amount, currency: str) -> int:
    """An amount in minor units of its currency, halves up; none is 0. Raises ``UnreadableError``."""
    if amount is None or amount == "":
        return 0
    try:
        whole = minor_of(str(amount), currency)
    except ValueError:
        raise UnreadableError("an amount is no number") from None
    if abs(whole) > MOST:
        raise UnreadableError("an amount is too large")
    return whole


def time_of(*texts: str | None, offset: str = "") -> datetime:
    """The first time that is there; ``offset`` for those that have none. Raises ``UnreadableError``."""
    for text in texts:
        if text:
            try:
                return parse_time(text if not offset or text.endswith("Z") else f"{text}{offset}")
            except ValueError:
                raise UnreadableError("a time is not RFC 3339") from None
    raise UnreadableError("there is no time")


def label(*texts: Key | None) -> str:
    """The first that is there, as one line of 128 characters at most. Raises ``UnreadableError``."""
    for line in labels(texts):
        return line
    raise UnreadableError("a line has no name")


def labels(texts: Iterable[Key | None]) -> Iterator[str]:
    """Those that say something, each as one line of 128 characters at most."""
    for text in texts:
        line = re.sub(r"[\x00-\x1f\x7f]+", " ", str("" if text is None else text)).strip()
        if line:
            yield line[:128]


def id_of(key: Key) -> str:
    """An id as ours are. Raises ``UnreadableError``."""
    if re.fullmatch(ID_PATTERN, text := str(key)) is None or len(text) > 64:
        raise UnreadableError("an id is not of 1 to 64 letters and digits")
    return text


def read(shape: type[S], body: bytes) -> S:
    """The parts of a JSON body that ``shape`` names. Raises ``UnreadableError``."""
    try:
        return msgspec.json.decode(body, type=shape)
    except msgspec.ValidationError as fault:
        said, _, at = str(fault).rpartition(" - at ")
        if "matching regex" in said:
            raise UnreadableError(f"an amount is no number: {at}") from None
        raise UnreadableError(f"it has not the shape of its topic: {fault}") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise UnreadableError("it is no JSON") from None


def email_of(*texts: str | None) -> str | None:
    """The first that is an address."""
    return _good(_EMAIL, texts)


def phone_of(*texts: str | None) -> str | None:
    """The first that may be a number."""
    return _good(_PHONE, texts)


def _good(kind: TypeAdapter[str], texts: Iterable[str | None]) -> str | None:
    for text in texts:
        if text and (found := text.strip()):
            with suppress(ValidationError):
                return kind.validate_python(found)
    return None


def event_id(*names: str) -> str:
    """The id of a webhook's event; what cannot be one as it stands is hashed."""
    text = ":".join(names)
    return text if re.fullmatch(ID_PATTERN, text) else sha256(text.encode("utf-8", "replace")).hexdigest()


def place(text: str) -> str:
    """A shop's name, as it may stand in a source and in an alias: ``acme``, ``shop.example.com``."""
    return re.sub(r"[^a-z0-9.-]+", "-", text.lower()).strip("-.")[:100] or "shop"
