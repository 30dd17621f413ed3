"""When a customer counts as gone, and whether that was the customer's wish: the file's section ``churn``."""

import re
from collections.abc import Iterable, Mapping
from functools import cached_property, lru_cache
from typing import Annotated, Literal, Self
from unicodedata import combining, normalize

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from shared.schemas.base import Strict
from shared.schemas.faults import fault
from shared.schemas.fields import Label

SHORTEST_QUIET, LONGEST_QUIET = 7, 730
"""Days. Of a shorter silence it is not kept who complained before it; a longer one no report shows."""
LONGEST_GRACE = 90
OTHER = "other"
"""What all is told as that has no name."""
LONGEST_BLAME = 365


def _days(value: object) -> object:
    """``180d`` -> 180."""
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,4}d", value):
        return int(value[:-1])
    raise fault("", "must be a number of days, e.g. 30d")


def _within(first: int, last: int) -> AfterValidator:
    def check(days: int) -> int:
        if not first <= days <= last:
            raise fault("", f"must be {first}d to {last}d")
        return days

    return AfterValidator(check)


Days = Annotated[int, BeforeValidator(_days)]
"""Whole days, written ``30d``."""


def _plain(word: str) -> str:
    return " ".join(word.replace("_", " ").replace("-", " ").split()).casefold()


def _folded(words: str) -> str:
    """Without accents too: ``à`` is ``a``."""
    return _plain("".join(one for one in normalize("NFKD", words) if not combining(one)))


def _holds(text: str, words: Iterable[str]) -> bool:
    return any(some in text for some in words)


@lru_cache(maxsize=16)
def _by_plain(names: tuple[str, ...]) -> dict[str, str]:
    return {_folded(name): name for name in names}


class Contractual(Strict):
    """Of customers with a subscription: they left when the last of their terms was cancelled or ran out."""

    grace: Annotated[Days, _within(0, LONGEST_GRACE)] = 7
    """A term that ran out may still be renewed so many days later; then nobody left."""
    expired: Literal["voluntary", "involuntary"] = "involuntary"
    """What it is if nobody cancelled: where terms renew themselves, a payment that failed."""


class ChurnPolicy(Strict):
    """When a customer has left, and why."""

    contractual: Contractual | None = Contractual()
    """Null: subscriptions are not looked at, and all are judged by what they buy."""
    quiet: Annotated[Days, _within(SHORTEST_QUIET, LONGEST_QUIET)] = 180
    """All others left when they bought nothing for longer than this."""
    alive_below: Annotated[float, Field(gt=0, lt=1)] | None = None
    """Or when P(alive) was below this on a day before that, by the models as they were fitted by then; before
    any was fitted it does nothing. Null: it is not looked at."""
    complaint: Annotated[Days, _within(0, LONGEST_BLAME)] = 90
    """Where nobody stated a reason: a complaint of so many days before the last purchase, or the term's end,
    or since, gives its root cause."""
    involuntary: Annotated[tuple[Annotated[Label, AfterValidator(_plain)], ...], Field(max_length=100)] = (
        "payment failed",
        "card expired",
        "card declined",
        "insufficient funds",
        "deceased",
    )
    """A reason that holds one of these words, in any case, was not the customer's wish."""

    causes: Annotated[tuple[Label, ...], Field(max_length=100)] = (
        *("carrier", "warehouse", "supplier", "product", "product quality", "packaging", "stock", "price"),
        *("billing", "website", "store", "service", "waiting time", "too few tills", "label not changed"),
        *("cold chain broken", "order too small", "training needed", "too expensive", "no longer needed"),
        *("poor service", "poor quality", "missing features", "went to a competitor", "moved away"),
    )
    """The root causes of complaints, and the reasons to leave, that are told by name, in any case; all others
    are people's own words, and told as ``other``. Those of ``involuntary`` are told by these."""

    words: Annotated[Mapping[Label, tuple[Label, ...]], Field(max_length=200)] = {
        "too expensive": ("zu teuer", "demasiado caro", "muy caro", "trop cher"),
        "no longer needed": (
            "nicht mehr benötigt",
            "brauche ich nicht mehr",
            "kein bedarf",
            "ya no lo necesito",
            "plus besoin",
        ),
        "poor service": ("schlechter service", "mal servicio", "mauvais service"),
        "poor quality": ("schlechte qualität", "mala calidad", "mauvaise qualité"),
        "missing features": ("fehlende funktionen", "faltan funciones", "fonctions manquantes"),
        "went to a competitor": (
            "zur konkurrenz",
            "anderer anbieter",
            "otro proveedor",
            "la competencia",
            "chez un concurrent",
            "autre fournisseur",
        ),
        "moved away": ("umgezogen", "umzug", "mudanza", "me mudo", "déménag"),
        "payment failed": (
            "zahlung fehlgeschlagen",
            "lastschrift geplatzt",
            "pago fallido",
            "pago rechazado",
            "paiement échoué",
            "paiement refusé",
        ),
        "card expired": ("karte abgelaufen", "tarjeta caducada", "tarjeta vencida", "carte expirée"),
        "card declined": ("karte abgelehnt", "tarjeta rechazada", "carte refusée"),
        "insufficient funds": (
            "konto nicht gedeckt",
            "fondos insuficientes",
            "fonds insuffisants",
            "provision insuffisante",
        ),
        "deceased": ("verstorben", "fallecid", "décédé"),
    }
    """By a name of ``causes`` or ``involuntary`` other words for it, in any language: a reason or a root
    cause that holds one of these is told by the name. Case and accents make no difference."""

    @model_validator(mode="after")
    def _words_say_something(self) -> Self:
        """What nothing is left of would be held by every text."""
        lists = {"involuntary": self.involuntary, "causes": self.causes}
        for at, words in (lists | {f"words.{name}": words for name, words in self.words.items()}).items():
            for number, word in enumerate(words):
                if not _folded(word):
                    raise fault(f"{at}[{number}]", "must hold more than hyphens, spaces and accents")
        return self

    @model_validator(mode="after")
    def _words_are_for_names(self) -> Self:
        unknown = (
            self.words.keys() - {*self.causes, *self.involuntary} if "words" in self.model_fields_set else ()
        )
        for name in sorted(unknown):
            raise fault(f"words.{name}", "is none of causes and involuntary")
        return self

    def told_as(self, text: str) -> str:
        """The name that a root cause or a stated reason is told by: one that the file has, or ``OTHER``."""
        plain = _folded(text)
        name = _by_plain(self.causes).get(plain)
        return name or next((name for name, words in self._names.items() if _holds(plain, words)), OTHER)

    def reach(self, days: int) -> int:
        """How many days before a window of so many days one must look."""
        grace = self.contractual.grace if self.contractual is not None else 0
        return max(days, self.quiet + 1, grace + 1)

    @property
    def decides(self) -> tuple[int, ...]:
        """So many days after a purchase or a term's end it may be decided by it who stayed and who left."""
        grace = () if self.contractual is None else (self.contractual.grace + 1,)
        return (0, 1, self.quiet + 1, *grace)

    def is_involuntary(self, reason: str) -> bool:
        """Whether a stated reason says that it was not the customer's wish."""
        text = _folded(reason)
        return any(_holds(text, self._names[name]) for name in self.involuntary)

    @cached_property
    def _names(self) -> Mapping[str, tuple[str, ...]]:
        """What a text is looked through for, by the name that it then has: first what was not wished."""
        own = {name: (name, *self.words.get(name, ())) for name in self.involuntary}
        names = own | {name: self.words.get(name, ()) for name in self.causes if name not in own}
        return {name: tuple(map(_folded, words)) for name, words in names.items()}
