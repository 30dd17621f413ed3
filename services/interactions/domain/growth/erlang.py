"""Erlang C: how many people it takes so that few have to wait.

A. K. Erlang, "Solution of some problems in the theory of probabilities of significance in automatic telephone
exchanges" (1917): calls come at random and wait as long as need be, and the time that one takes is
exponential. The waiting probability is made of Erlang B by its recurrence, so no factorial overflows.
"""

from math import exp, floor
from typing import NamedTuple


class Manned(NamedTuple):
    """What so many agents come to."""

    agents: int
    service_level: float
    """How much of what comes is taken up in time."""
    waits: float
    """How much of what comes has to wait at all."""
    occupancy: float
    """How much of their time they are busy."""


def waiting(agents: int, load: float) -> float:
    """The probability that what comes has to wait. ``load`` is in erlangs: arrivals a second by the seconds
    that one takes. 1 where they cannot keep up."""
    if load <= 0:
        return 0.0
    if agents <= load:
        return 1.0
    return _waiting(agents, load, _blocked(agents, load))


def manned(agents: int, load: float, handle_s: float, within_s: float) -> Manned:
    """``agents`` on a ``load`` of work that takes ``handle_s`` seconds each."""
    waits = waiting(agents, load)
    return _manned(agents, load, waits, handle_s, within_s)


def needed(
    load: float, handle_s: float, *, service_level: float, within_s: float, max_occupancy: float = 1.0
) -> Manned:
    """The fewest agents with whom ``service_level`` (below 1) of what comes is taken up within ``within_s``
    seconds and nobody is busy for more than ``max_occupancy`` of the time. None for no load."""
    if load <= 0:
        return Manned(0, 1.0, 0.0, 0.0)
    agents, blocked = floor(load) + 1, 0.0
    blocked = _blocked(agents, load)
    while True:
        found = _manned(agents, load, _waiting(agents, load, blocked), handle_s, within_s)
        if found.service_level >= service_level and found.occupancy <= max_occupancy:
            return found
        agents += 1
        blocked = load * blocked / (agents + load * blocked)


def _blocked(agents: int, load: float) -> float:
    """Erlang B: the probability that all are busy where nobody waits."""
    blocked = 1.0
    for number in range(1, agents + 1):
        blocked = load * blocked / (number + load * blocked)
    return blocked


def _waiting(agents: int, load: float, blocked: float) -> float:
    return agents * blocked / (agents - load * (1 - blocked))


def _manned(agents: int, load: float, waits: float, handle_s: float, within_s: float) -> Manned:
    in_time = 1 - waits * exp(-(agents - load) * within_s / handle_s) if agents > load else 0.0
    return Manned(agents, in_time, waits, min(1.0, load / agents) if agents else 0.0)
