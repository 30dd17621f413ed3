"""What else customers are called by: an e-mail address, a phone number, a card, an account, a device. How it
is written so that two spellings are one, and the keyed hash that stands for it where no address may stand."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import blake2b
from typing import Literal, NamedTuple, get_args
from unicodedata import category, normalize

import idna
from phonenumbers import NumberParseException, PhoneNumberFormat, format_number, is_possible_number, parse
from pydantic import TypeAdapter, ValidationError

from shared.schemas.customers import AliasKind
from shared.schemas.fields import Email

KINDS: frozenset[AliasKind] = frozenset(get_args(AliasKind))
LONGEST = 254
"""Characters of a value."""
SHORTEST_NUMBER = len("+2904000")
"""Of E.164; what is shorter is dialled within one country, such as 112."""
KEY_BYTES = 64
"""Of the key that aliases are hashed with, at most: what is longer is hashed first."""

_ADDRESS = TypeAdapter(Email)
_FORMS: tuple[Literal["NFKC", "NFC"], ...] = ("NFKC", "NFC")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class AliasError(ValueError):
    """It is no such alias; the message says why, without the value."""


class Alias(NamedTuple):
    """One of a customer's other names."""

    kind: AliasKind
    value: str
    """As all spellings of it are written here."""

    def __str__(self) -> str:
        return f"{self.kind}:{self.value}"


def is_alias(subject: str) -> bool:
    """Whether a subject is written as ``kind:value``; what is not is a customer's id."""
    return subject.partition(":")[0] in KINDS and ":" in subject


def split_alias(subject: str) -> tuple[AliasKind, str]:
    """The two parts of ``kind:value``. Raises ``AliasError``."""
    kind, colon, value = subject.partition(":")
    for known in KINDS:
        if colon and kind == known:
            return known, value
    raise AliasError(f"an alias is written kind:value, with a kind of {', '.join(sorted(KINDS))}")


def normalised(kind: AliasKind, value: str, region: str | None = None) -> str:
    """The value as all its spellings are written: an address in lower case, its domain in its own script, a
    number in E.164 (one without country code as it is dialled in ``region``, such as ``DE``), a card by its
    letters and digits, in upper case, an account or a device without spaces around. Raises ``AliasError``."""
    text = normalize("NFKC" if kind in ("phone", "card") else "NFC", value).strip()
    if not text or len(text) > LONGEST or _CONTROL.search(text):
        raise AliasError(f"it must be 1 to {LONGEST} characters, without control characters")
    match kind:
        case "email":
            return _address(text)
        case "phone":
            return _number(text, region)
        case "card":
            card = normalize("NFKC", "".join(filter(_is_written, text.upper())))
            if not any(map(str.isalnum, card)) or len(card) > LONGEST:
                raise AliasError(f"a card needs letters or digits, and has at most {LONGEST}")
            return card
        case "account" | "device":
            return text


def _is_written(character: str) -> bool:
    """Of a card: letters and digits of all scripts, and the marks on them; not what people put between."""
    return character.isalnum() or category(character).startswith("M")


def _address(text: str) -> str:
    """Letters of full width and such as usual ones, where that is an address too."""
    for form in _FORMS:
        local, at, domain = normalize(form, normalize(form, text).lower()).rpartition("@")
        try:
            return _ADDRESS.validate_python(f"{local}{at}{_domain(domain)}")
        except ValidationError:
            continue
    raise AliasError("it is no e-mail address")


def _domain(domain: str) -> str:
    """As people read it, however it is spelt: ``xn--bcher-kva.example`` is ``bücher.example``; without the
    dot of the root."""
    domain = domain.removesuffix(".")
    if domain.isascii() and "xn--" not in domain:
        return domain
    try:
        return idna.decode(idna.encode(domain, uts46=True))
    except idna.IDNAError:
        return domain


@lru_cache(maxsize=4096)
def _number(text: str, region: str | None) -> str:
    if text.startswith("00") and region is None:
        text = f"+{text[2:]}"
    try:
        number = parse(text, region)
    except NumberParseException:
        number = None
    if number is None or not is_possible_number(number) or number.extension is not None:
        if region is None and not text.startswith("+"):
            raise AliasError("a number without country code needs RAPPORT_PHONE_REGION")
        raise AliasError("it is no phone number")
    written = format_number(number, PhoneNumberFormat.E164)
    if len(written) < SHORTEST_NUMBER:
        raise AliasError("it is no phone number")
    return written


def alias_key(secret: bytes, kind: AliasKind, value: str) -> str:
    """``alias:`` and 32 hex digits, for a value that is ``normalised``: nobody without the secret can find it
    again by trying all phone numbers."""
    return f"alias:{_hashed(secret, kind, value)}"


def _hashed(secret: bytes, *parts: str) -> str:
    key = secret if len(secret) <= KEY_BYTES else blake2b(secret).digest()
    return blake2b("\0".join(parts).encode(), digest_size=16, key=key, person=b"rapport alias").hexdigest()


@dataclass(frozen=True, slots=True)
class Identity:
    """How this installation writes and hashes aliases, the same in every service. With another secret
    nobody is found; where a version writes an alias otherwise, UPGRADING.md says whose keys that changes."""

    secret: bytes = field(repr=False)
    region: str | None = None
    """Where numbers without country code are dialled (ISO 3166, ``DE``)."""

    def alias(self, kind: AliasKind, value: str) -> Alias:
        """The alias, however it is spelt. Raises ``AliasError``."""
        return Alias(kind, normalised(kind, value, self.region))

    def read(self, subject: str) -> Alias:
        """The alias that is written ``kind:value``. Raises ``AliasError``."""
        return self.alias(*split_alias(subject))

    def key(self, alias: Alias) -> str:
        """Its record key."""
        return alias_key(self.secret, alias.kind, alias.value)

    def block(self, trait: str, value: str) -> str:
        """The record key of the place of customers who have something in common, such as a birthday."""
        return f"block:{_hashed(self.secret, trait, value)}"

    def found(self, told: Mapping[AliasKind, str | None]) -> dict[str, Alias]:
        """Those of these values that are aliases, by key: what is none is left out."""
        aliases: dict[str, Alias] = {}
        for kind, value in told.items():
            if value:
                try:
                    alias = self.alias(kind, value)
                except AliasError:
                    continue
                aliases[self.key(alias)] = alias
        return aliases
