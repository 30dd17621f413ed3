"""What a customer is called by, as the customer's own state keeps it: the last word on each name; and where
those who look alike are sought."""

from collections.abc import Iterable
from typing import Any, Literal, TypeVar

from shared.schemas.base import Open
from shared.schemas.customers import AliasKind
from shared.schemas.times import Micros

MAX_CALLED = 200
"""Names of one customer, those too that were removed; beyond that the ones removed first are forgotten."""

Trait = Literal["birthday", "postcode"]
"""What two customers with close names have in common, for them to be one perhaps."""


class Called(Open):
    """One name of a customer."""

    key: str
    """The alias's key."""
    customer: str
    """Of whom it was told: one whose things are here by now, if that is another."""
    kind: AliasKind
    value: str
    """As it is written here."""
    at: Micros | None = None
    """Time of the last word that added or removed it."""
    named: bool = False
    """That word added it."""
    profile: bool = False
    """The profile names it."""
    profile_at: Micros | None = None
    """When that was told; None in a state of the version before."""
    owner: str | None = None
    """Whose it is, where that is another id: one perhaps that is merged here, or was."""
    revision: int = 0
    """Of the alias, when it said so."""
    left_out: bool | None = None
    """It said that too many wait for it: this customer does not, and asks again some time. None: not told."""

    @property
    def place(self) -> tuple[str, str]:
        """What it is found by."""
        return self.key, self.customer

    @property
    def wanted(self) -> bool:
        """Whether the customer is called so."""
        return self.named or self.profile

    @property
    def outside(self) -> bool:
        """Whether the customer does not wait for it; of what the version before stored that is not known."""
        return self.owner is not None if self.left_out is None else self.left_out

    def unsaid(self) -> "Called":
        """As if the alias had said nothing of it yet."""
        return self.model_copy(update={"owner": None, "revision": 0, "left_out": None})


class Sought(Open):
    """Where customers who look like this one are sought: among those of one birthday, or one postcode."""

    key: str
    """Of the place."""
    customer: str
    """Of whom it was told."""
    trait: Trait
    name: str
    """The name as it is compared."""

    @property
    def place(self) -> tuple[str, str]:
        """What it is found by: a customer is in one place of a kind."""
        return self.trait, self.customer


C = TypeVar("C", Called, Sought)


class CalledBy(Open):
    """All of it."""

    names: tuple[Called, ...] = ()
    sought: tuple[Sought, ...] = ()

    @property
    def wanted(self) -> list[Called]:
        """What the customer is called by now."""
        return [one for one in self.names if one.wanted]

    def name(self, key: str, customer: str) -> Called | None:
        """This name of this customer."""
        return next((one for one in self.names if one.place == (key, customer)), None)

    def seeker(self, trait: Trait, customer: str) -> Sought | None:
        """Where those are sought who have that in common with this customer."""
        return next((one for one in self.sought if one.place == (trait, customer)), None)

    def with_name(self, new: Called) -> "CalledBy":
        """With this one in the place of what was known of it; of too many those removed first go."""
        names = [one for one in self.names if one.place != new.place]
        if len(names) >= MAX_CALLED:
            gone = min((one for one in names if not one.wanted), key=lambda one: one.at or 0, default=None)
            names = [one for one in names if one is not gone]
        return self._with(names=(*names, new))

    def asking_again(self, before: "CalledBy") -> "CalledBy":
        """With those as if they were new of which too many waited, and those that were not wanted ``before``:
        what was said of them then holds no more."""
        known = {one.place for one in before.wanted}
        again = {one.place for one in self.wanted if one.outside or one.place not in known}
        if not any(one.place in again and one != one.unsaid() for one in self.names):
            return self
        return self._with(names=tuple(one.unsaid() if one.place in again else one for one in self.names))

    def with_sought(self, trait: Trait, customer: str, new: Sought | None) -> "CalledBy":
        """With this one in the place of what was known; None: the customer is not sought by it."""
        sought = [one for one in self.sought if one.place != (trait, customer)]
        return self._with(sought=(*sought, *(() if new is None else (new,))))

    def of(self, customer: str) -> "CalledBy":
        """What was told of this customer alone."""
        return self._with(names=_of(self.names, customer), sought=_of(self.sought, customer))

    def joined(self, other: "CalledBy") -> "CalledBy":
        """With what came from elsewhere; of two of one place the later word holds, or what is here, and what
        the alias has said last."""
        if not other.names and not other.sought:
            return self
        names = {one.place: one for one in self.names}
        for one in other.names:
            known = names.get(one.place)
            if known is not None:
                word, said = max(known, one, key=_word_at), max(known, one, key=lambda name: name.revision)
                update = {field: getattr(said, field) for field in ("owner", "revision", "left_out")}
                one = word.model_copy(update=update)
            names[one.place] = one
        sought = {one.place: one for one in other.sought} | {one.place: one for one in self.sought}
        return self._with(names=tuple(names.values()), sought=tuple(sought.values()))

    def _with(self, **update: Any) -> "CalledBy":
        return self.model_copy(update=update)


def _word_at(one: Called) -> Micros:
    return one.at or 0


def _of(items: Iterable[C], customer: str) -> tuple[C, ...]:
    return tuple(one for one in items if one.customer == customer)
