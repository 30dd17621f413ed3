"""What is known of a product: how many bought it, and what they bought with it, within the latest year.

A space-saving sketch (Metwally, Agrawal and El Abbadi, 2005) of whole numbers over periods, that counts down
too. While no more than ``MOST_PARTNERS`` others were bought with it, every number is exact. Past that the
least frequent makes room for the new one, which may have been there before: of each what was counted is never
more than is true, and with what may have been missed never less. Only the former is ever told.
"""

from collections.abc import Iterable, Sequence
from itertools import zip_longest
from typing import NamedTuple, TypeAlias

from shared.schemas.base import Open
from shared.schemas.commands.products import Candidate, Vote

PERIODS = 4
"""How many periods of 91 days count: a year. Older ones are history, by event time."""
MOST_PARTNERS = 64
MOST_CANDIDATES = 8
"""How many are told at a time."""

Counts: TypeAlias = tuple[int, ...]
"""One number a period, the latest first; those that are left out are 0. A number below 0 waits for the vote
that it takes back."""


class Partner(NamedTuple):
    """Another product that was bought with it."""

    sku: str
    counts: Counts
    """What was counted."""
    missed: Counts
    """What may have been counted before and was forgotten, at most."""

    @property
    def most(self) -> int:
        """Of how many it may be true."""
        return sum(self.counts) + sum(self.missed)


class Product(Open):
    """The state: one document a product. Nothing in it is about a customer."""

    newest: int = 0
    """The latest period that was heard of."""
    buyers: Counts = ()
    partners: tuple[Partner, ...] = ()
    """By SKU."""
    forgotten: Counts = ()
    """Of any one that is not among them at most so many are true, and never fewer than any ``missed``."""


def initial(state_id: str) -> Product:
    """A product never heard of."""
    return Product()


def counted(product: Product, votes: Iterable[Vote]) -> Product:
    """With these votes."""
    for vote in votes:
        product = _counted(_aged(product, vote.period), vote)
    return product


def candidates(product: Product, at_least: int, share: float) -> tuple[Candidate, ...]:
    """What at least so many bought with it, who are that share of its buyers; the most often first."""
    buyers = sum(product.buyers)
    found = []
    for one in product.partners:
        together = sum(one.counts)
        part = min(1.0, together / buyers) if buyers > 0 else 0.0
        if together >= max(1, at_least) and part >= share:
            found.append(Candidate(sku=one.sku, together=together, share=round(part, 4)))
    return tuple(sorted(found, key=lambda one: (-one.together, one.sku))[:MOST_CANDIDATES])


def _aged(product: Product, period: int) -> Product:
    """As it is when that period has begun."""
    by = period - product.newest
    if by <= 0:
        return product
    if not product.newest:
        return product.model_copy(update={"newest": period})
    aged = (Partner(one.sku, _later(one.counts, by), _later(one.missed, by)) for one in product.partners)
    return Product(
        newest=period,
        buyers=_later(product.buyers, by),
        partners=tuple(one for one in aged if one.counts),
        forgotten=_later(product.forgotten, by),
    )


def _counted(product: Product, vote: Vote) -> Product:
    age = product.newest - vote.period
    if age >= PERIODS:
        return product
    if vote.other is None:
        return product.model_copy(update={"buyers": _with(product.buyers, age, vote.by)})
    known = {one.sku: one for one in product.partners}
    old = known.pop(vote.other, None)
    if old is None and vote.by < 0 and product.forgotten:
        return product  # it takes back what was forgotten
    new = Partner(vote.other, (), product.forgotten) if old is None else old
    counts, forgotten = _with(new.counts, age, vote.by), product.forgotten
    if counts:
        known[vote.other] = new._replace(counts=counts)
    if len(known) > MOST_PARTNERS:
        least = min((one for one in known.values() if one.sku != vote.other), key=lambda p: (p.most, p.sku))
        del known[least.sku]
        forgotten = _highest(forgotten, _sum(least.counts, least.missed))
    partners = tuple(known[sku] for sku in sorted(known))
    return product.model_copy(update={"partners": partners, "forgotten": forgotten})


def _with(counts: Counts, age: int, by: int) -> Counts:
    every = [*counts, *(0,) * (age + 1 - len(counts))]
    every[age] += by
    return _short(every)


def _later(counts: Counts, by: int) -> Counts:
    return _short([*(0,) * min(by, PERIODS), *counts][:PERIODS])


def _short(counts: Sequence[int]) -> Counts:
    """Without the zeros at the end."""
    end = len(counts)
    while end and not counts[end - 1]:
        end -= 1
    return tuple(counts[:end])


def _sum(one: Counts, other: Counts) -> Counts:
    return _short([a + b for a, b in zip_longest(one, other, fillvalue=0)])


def _highest(one: Counts, other: Counts) -> Counts:
    return _short([max(a, b) for a, b in zip_longest(one, other, fillvalue=0)])
