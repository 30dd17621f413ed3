"""What a seed says: the log, the workers, and the faults with their times. Pure."""

import random
from dataclasses import dataclass, replace
from typing import Literal

from shared.kafka.clients import Record
from tests.simulation.logs import HANDLERS, Name, log_for

BURSTS = 12
BURST_SECONDS = 4.0
HOUR = 3600.0
Kind = Literal[
    "kill", "sleep", "store_away", "store_restarts", "broker_away", "call", "write", "send", "join", "leave"
]
CALLS = ("lose_request", "lose_reply", "error", "hang")
SENDS = ("lose_request", "half", "lose_reply", "broken")
WAITED_FOR = (6, 7, 13, 18, 50, 89, 91, 112, 189, 262, 371, 8000, 10107, 11600, 11601, 11602, 13435, 14031)
"""Codes that say nothing about a document: over quota, interrupted, not allowed, no primary, and so on."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong: armed at a virtual time, it strikes ``after`` so many steps or calls."""

    kind: Kind
    at: float
    worker: int = 0
    after: int = 0
    seconds: float = 0.0
    detail: str = ""
    code: int = 0

    def __str__(self) -> str:
        who = f" worker {self.worker}" if self.kind in ("kill", "sleep", "leave") else ""
        what = f" {self.detail}{f' {self.code}' if self.code else ''}" if self.detail else ""
        lasts = f", {self.seconds:.1f} s" if self.seconds else ""
        return f"{self.at:6.1f} s: {self.kind}{who}{what}, after {self.after}{lasts}"


@dataclass(frozen=True, slots=True)
class Scenario:
    """One run. Two of the same are the same run, step by step."""

    seed: int
    handler: Name
    partitions: int
    workers: int
    batch_size: int
    timers_a_step: int
    bursts: tuple[tuple[Record, ...], ...]
    faults: tuple[Fault, ...]

    def without_faults(self) -> "Scenario":
        return replace(self, faults=())


def scenario(seed: int) -> Scenario:
    """The scenario of a seed."""
    rng = random.Random(f"scenario {seed}")
    handler = rng.choice(HANDLERS)
    partitions = rng.choice([1, 1, 2, 3])
    records = log_for(rng, handler, partitions)
    cuts = sorted(rng.randrange(len(records) + 1) for _ in range(BURSTS - 1))
    bursts = tuple(tuple(records[a:b]) for a, b in zip([0, *cuts], [*cuts, len(records)], strict=True))
    workers = rng.choice([2, 2, 3, 4, 5])
    return Scenario(
        seed=seed,
        handler=handler,
        partitions=partitions,
        workers=workers,
        batch_size=rng.choice([1, 3, 7, 500, 500]),
        timers_a_step=rng.choice([1, 2, 500, 500]),
        bursts=bursts,
        faults=tuple(
            sorted(
                (_fault(rng, workers, hours=seed % 10 == 0) for _ in range(rng.randrange(1, 9))),
                key=lambda f: f.at,
            )
        ),
    )


def _fault(rng: random.Random, workers: int, *, hours: bool) -> Fault:
    """At a burst, so that it strikes while there is work."""
    at = rng.randrange(BURSTS) * BURST_SECONDS + rng.choice([0.0, 0.0, rng.uniform(0.0, BURST_SECONDS)])
    kinds: list[Kind] = ["kill", "kill", "sleep", "sleep", "call", "write", "write", "write", "send", "send"]
    kinds += ["store_away", "store_restarts", "broker_away", "join", "leave"]
    kind = rng.choice(kinds)
    fault = Fault(kind, at, worker=rng.randrange(workers), after=rng.randrange(40))
    match kind:
        case "kill":
            return replace(fault, seconds=rng.choice([0.5, 3.0, 20.0]))
        case "sleep":
            return replace(fault, seconds=rng.choice([2.0, 11.0, 15.0, 40.0, 90.0]))
        case "store_away" | "store_restarts" | "broker_away":
            # An hour costs seconds of ours: few seeds have it.
            longest = rng.choice([90.0, HOUR]) if hours else rng.choice([90.0, 400.0])
            seconds = rng.choice([1.0, 4.0, 12.0, 45.0, longest])
            return replace(fault, seconds=seconds, after=0)
        case "call" | "write":
            detail = rng.choice(CALLS)
            code = rng.choice(WAITED_FOR) if detail == "error" else 0
            seconds = rng.choice([1.0, 8.0, 45.0]) if detail == "hang" else 0.0
            return replace(fault, detail=detail, code=code, seconds=seconds, after=rng.randrange(12))
        case "send":
            return replace(fault, detail=rng.choice(SENDS), after=rng.randrange(3))
    return replace(fault, after=0)
