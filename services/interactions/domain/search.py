"""What a search for customers compares with: folded text, telephone digits, and the ids of orders and
complaints. A row a key, since the embedded store uses an index for nothing but one range of one field."""

import re
import unicodedata
import zlib
from collections.abc import Iterator, Mapping
from typing import Any

from services.interactions.domain.people import SearchRow
from services.interactions.domain.rows import SEARCH, sort_key
from services.interactions.domain.state import Customer
from services.interactions.domain.telling import Told
from shared.domain import Append, Put
from shared.facts.profile import value_of

MOST_WORDS = 8
"""Words of a name by which it is found."""
MOST_CHARACTERS = 200
FEWEST_DIGITS = 4
"""A shorter query is no telephone number."""

# What keeps its shape when accents are taken off, though people type it as plain letters.
_PLAIN = str.maketrans(
    {"ø": "o", "đ": "d", "ð": "d", "ł": "l", "ħ": "h", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th"}
)
_APOSTROPHES = re.compile("['`´’‘ʼʻ]")
_TRUNK = re.compile(r"\(0\)")
_SPELLING = re.compile(r"[\s()+./·−]*")  # dashes are taken off before
_THREE_DIGITS = re.compile("21|22|23|24|25|26|29|35|37|38|42|50|59|67|68|69|80|85|87|88|89|96|97|99")
"""How country codes of three digits begin."""

THING, EMAIL, ABROAD, AT_HOME, UNKNOWN_LAND, ID = "=", "@", "+", "+~", "+?", "#"
"""How keys begin that are no words: the id of an order or a complaint, an address, a number with its country
code, the same without it, a number that was told without one, and the customer's id, which is in samples
alone."""
SAMPLES = (("%1", 256), ("%2", 16))
"""One customer in so many has their keys a second time, behind these characters, with which no other key
begins. What very many share is looked for among those: enough are found, and few rows are read."""


def folded(text: str) -> str:
    """Without accents, case and spaces beyond one; the same for composed and decomposed letters."""
    plain = text.casefold()
    if not text.isascii():
        apart = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
        plain = "".join(c for c in apart if unicodedata.category(c) != "Mn").translate(_PLAIN)
    return " ".join(plain.split())[:MOST_CHARACTERS]


def words(text: str) -> list[str]:
    """The words of a name: what stands between spaces, hyphens, commas and the like."""
    return re.findall(r"[^\W_]+", folded(_APOSTROPHES.sub("", text)))


def keys(profile: Mapping[str, Any]) -> dict[str, str]:
    """Slot -> key, of what a profile says. A name is there from each of its words on, round about, so that
    the beginning of any word finds it, and last name first; as its first and last word, since people leave
    out what is between; O'Brien as one word and as two."""
    name = value_of(profile, "name") or ""
    turns = dict.fromkeys([*_turns(words(name)), *_turns(words(_APOSTROPHES.sub(" ", name)))])
    found = {f"name.{n}": key for n, key in enumerate(turns)}
    if email := value_of(profile, "email"):
        found["email"] = EMAIL + folded(email)
    if phone := value_of(profile, "phone"):
        found |= {f"phone.{n}": key for n, key in enumerate(_phone_keys(phone))}
    return found


def samples(customer_id: str, found: Mapping[str, str]) -> dict[str, str]:
    """Slot -> key, of the samples that a customer is in, by ``found``, their own keys. Their id says which:
    it is the same at each replay, and says nothing of who they are."""
    drawn, own = zlib.crc32(customer_id.encode()), {**found, "id": ID + customer_id.casefold()}
    return {
        f"{slot} {start}": start + key
        for start, of in SAMPLES
        if drawn % of == 0
        for slot, key in own.items()
    }


def _turns(name: list[str]) -> list[str]:
    ends = [" ".join((name[0], name[-1]))] if len(name) > 2 else []
    name = name[:MOST_WORDS]
    turns = [" ".join(name[n:] + name[:n]) for n in range(len(name))]
    return [turn[:MOST_CHARACTERS] for turn in turns + ends]


def ranges(query: str) -> Iterator[str]:
    """The beginnings of keys that a query may mean."""
    if spelled := " ".join(words(query)):
        yield spelled
    yield EMAIL + folded(query)
    code, number = _phone(query)
    if _SPELLING.sub("", _without_marks(query)).isdecimal() and len(code + number) >= FEWEST_DIGITS:
        if code:
            yield ABROAD + code + number
            yield UNKNOWN_LAND + number
        else:
            yield from (start + number for start in (ABROAD, AT_HOME, UNKNOWN_LAND))
            if not query.strip().startswith("0"):  # a country code may stand there without its plus
                yield UNKNOWN_LAND + _parted(number)[1]


def thing_key(id: str) -> str:
    """The key of an order or a complaint: all of its id."""
    return THING + folded(id)


def _phone_keys(told: str) -> list[str]:
    code, number = _phone(told)
    if not number:
        return []
    return [ABROAD + code + number, AT_HOME + number] if code else [UNKNOWN_LAND + number]


def _phone(text: str) -> tuple[str, str]:
    """Country code, empty where it is not told, and number without the zeros before it, both as digits."""
    text = _TRUNK.sub("", _without_marks(text)).strip()
    digits = "".join(c for c in text if c in "0123456789")
    if not text.startswith("+") and not digits.startswith("00"):
        return "", digits.lstrip("0")
    return _parted(digits.lstrip("0"))


def _without_marks(text: str) -> str:
    """Without dashes of any kind, and what nobody sees: numbers that are pasted bring marks of direction."""
    text = unicodedata.normalize("NFKC", text)
    return "".join(c for c in text if unicodedata.category(c) not in ("Cf", "Pd"))


def _parted(digits: str) -> tuple[str, str]:
    length = 3 if _THREE_DIGITS.match(digits) else 1 if digits[:1] in ("1", "7") else 2
    return digits[:length], digits[length:].lstrip("0")


def profile_rows(before: Customer, after: Customer) -> list[Put]:
    """The search rows that a change of the profile changes; of a key that is gone only the row's place is
    left."""
    old = {} if before.seen_at is None else _all_keys(before)
    new = _all_keys(after)
    slots = sorted(old.keys() | new.keys())
    return [_row(after, slot, new.get(slot)) for slot in slots if old.get(slot) != new.get(slot)]


def gone_rows(customer: Customer) -> list[Put]:
    """The rows of one who was merged, without their keys; what was theirs is found by the survivor's."""
    return [_row(customer, slot, None) for slot in sorted(_all_keys(customer))]


def was_row(customer: Customer, old_id: str, *, holds: bool = True) -> Put:
    """The search row by which a customer is found under an id that was merged into theirs, or was once."""
    seen = customer.seen_at or 0
    row = SearchRow(
        f"{customer.customer_id} was {old_id}",
        customer.customer_id,
        sort_key(seen, customer.customer_id),
        thing_key(old_id) if holds else None,
    )
    return Put(SEARCH, row.document())


def _all_keys(customer: Customer) -> dict[str, str]:
    own = keys(customer.profile)
    return own | samples(customer.customer_id, own)


def thing_row(customer: Customer, told: Told, id: str) -> Append:
    """The search row of an order or a complaint that is new. Its customer may be, too."""
    seen = min(told.at, told.now) if customer.seen_at is None else customer.seen_at
    row = SearchRow(told.event.uid, customer.customer_id, sort_key(seen, customer.customer_id), thing_key(id))
    return Append(SEARCH, row.document())


def _row(customer: Customer, slot: str, key: str | None) -> Put:
    assert customer.seen_at is not None
    customer_id = customer.customer_id
    row = SearchRow(f"{customer_id} {slot}", customer_id, sort_key(customer.seen_at, customer_id), key)
    return Put(SEARCH, row.document())
