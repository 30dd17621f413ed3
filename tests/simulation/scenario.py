"""What a seed says: the log, the workers, and the faults with their times. Pure."""

import random
from dataclasses import dataclass, replace
from typing import Literal

from shared.kafka.clients import Record
from shared.worker.budget import DEFAULT_BYTES
from tests.simulation.logs import GROWING, HANDLERS, Name, log_for

BURSTS = 12
BURST_SECONDS = 4.0
HOUR = 3600.0
Kind = Literal[
    "kill", "sleep", "store_away", "store_restarts", "broker_away", "leader_moves", "call", "write",
    "commit", "send", "mail", "join", "leave",
]  # fmt: skip
SMALL_BYTES = 30_000
"""Of memory for a worker: a few records, a few customers."""
LINES = (
    "in the transaction",
    "after the transaction",
    "after a timer's transaction",
    "after the publish",
    "after the commit",
)
MAIL_LINE = "with a mail under way"
"""Of the crash table: where a process, whichever gets there first, is killed or put to sleep on purpose."""
CALLS = ("lose_request", "lose_reply", "error", "hang")
SENDS = ("lose_request", "half", "lose_reply", "broken", "stuck")
MAILS = ("lose_request", "lose_reply", "later", "refused", "hang", "away", "breaks")
WAITED_FOR = (6, 7, 13, 18, 50, 89, 91, 112, 189, 262, 371, 8000, 10107, 11600, 11601, 11602, 13435, 14031)
"""Codes that say nothing about a document: over quota, interrupted, not allowed, no primary, and so on."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong: armed at a virtual time, it strikes ``after`` so many steps or calls.
    ``detail``: in which way, or for a process at which of ``LINES``."""

    kind: Kind
    at: float
    worker: int = 0
    after: int = 0
    seconds: float = 0.0
    detail: str = ""
    code: int = 0

    def __str__(self) -> str:
        named = self.kind == "leave" or (self.kind in ("kill", "sleep") and not self.detail)
        who = f" worker {self.worker}" if named else ""
        what = f" {self.detail}{f' {self.code}' if self.code else ''}" if self.detail else ""
        lasts = f", {self.seconds:.1f} s" if self.seconds else ""
        return f"{self.at:6.1f} s: {self.kind}{who}{what}, after {self.after}{lasts}"


@dataclass(frozen=True, slots=True)
class Burst:
    """What is produced at once. ``commit``: in a transaction that is open for so many seconds; ``abort``: in
    one that is aborted then, and written again after it."""

    records: tuple[Record, ...]
    how: Literal["plain", "commit", "abort"] = "plain"
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Scenario:
    """One run. Two of the same are the same run, step by step."""

    seed: int
    handler: Name
    partitions: int
    workers: int
    batch_size: int
    timers_a_step: int
    bursts: tuple[Burst, ...]
    faults: tuple[Fault, ...] = ()
    grows_to: int | None = None
    """Partitions after the first half of the bursts, once all of them is read."""
    memory: int = DEFAULT_BYTES
    """A worker's budget: small, so that every bound is met."""
    patience: float = 1.0
    """A poll that brings nothing takes so many times as long: what nobody waits for costs less."""

    def without_faults(self) -> "Scenario":
        return replace(self, faults=())


def scenario(seed: int) -> Scenario:
    """The scenario of a seed."""
    rng = random.Random(f"scenario {seed}")
    handler = rng.choice(HANDLERS)
    partitions = rng.choice([1, 1, 2, 3])
    records = log_for(rng, handler, partitions)
    grows = handler in GROWING and rng.random() < 0.25
    if grows:  # what comes twice comes by another partition the second time
        records += rng.sample(records, min(4, len(records)))
    bursts = bursts_of(rng, records)
    workers = rng.choice([2, 2, 3, 4, 5])
    faults = [_fault(rng, handler, workers, hours=seed % 10 == 0) for _ in range(rng.randrange(1, 9))]
    return Scenario(
        seed=seed,
        handler=handler,
        partitions=partitions,
        workers=workers,
        batch_size=rng.choice([1, 3, 7, 500, 500]),
        timers_a_step=rng.choice([1, 2, 500, 500]),
        bursts=bursts,
        faults=tuple(sorted(faults, key=lambda f: f.at)),
        grows_to=partitions + rng.randrange(1, 4) if grows else None,
        memory=rng.choice([DEFAULT_BYTES, SMALL_BYTES, 4 * SMALL_BYTES]),
        patience=rng.choice([1.0, 4.0, 8.0, 8.0]),
    )


def bursts_of(rng: random.Random, records: list[Record]) -> tuple[Burst, ...]:
    """The records in this order; every fifth burst is a transaction."""
    cuts = sorted(rng.randrange(len(records) + 1) for _ in range(BURSTS - 1))
    parts = [tuple(records[a:b]) for a, b in zip([0, *cuts], [*cuts, len(records)], strict=True)]
    bursts = []
    for part in parts:
        if rng.random() < 0.8:
            bursts.append(Burst(part))
        else:  # it is over before the next burst: nothing overtakes it
            seconds = rng.uniform(0.2, BURST_SECONDS - 0.5)
            bursts.append(Burst(part, rng.choice(["commit", "abort"]), seconds))
    return tuple(bursts)


def _fault(rng: random.Random, handler: Name, workers: int, *, hours: bool) -> Fault:
    """At a burst, so that it strikes while there is work."""
    at = rng.randrange(BURSTS) * BURST_SECONDS + rng.choice([0.0, 0.0, rng.uniform(0.0, BURST_SECONDS)])
    kinds: list[Kind] = ["kill", "kill", "sleep", "sleep", "call", "write", "write", "commit", "send", "send"]
    kinds += ["store_away", "store_restarts", "broker_away", "leader_moves", "join", "leave"]
    if handler == "followup":
        kinds += ["mail"] * 6
    lines = (*LINES, MAIL_LINE, MAIL_LINE) if handler == "followup" else LINES
    kind = rng.choice(kinds)
    fault = Fault(kind, at, worker=rng.randrange(workers), after=rng.randrange(40))
    if kind in ("kill", "sleep") and rng.random() < 0.6:
        fault = replace(fault, detail=rng.choice(lines), after=rng.randrange(3))
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
        case "leader_moves":
            return replace(fault, seconds=rng.choice([1.0, 8.0, 30.0]), after=0)
        case "call" | "write" | "commit":
            detail = rng.choice(CALLS)
            code = rng.choice(WAITED_FOR) if detail == "error" else 0
            seconds = rng.choice([1.0, 8.0, 45.0]) if detail == "hang" else 0.0
            return replace(
                fault,
                detail=detail,
                code=code,
                seconds=seconds,
                after=rng.randrange(4 if kind == "commit" else 12),
            )
        case "send":
            return replace(fault, detail=rng.choice(SENDS), after=rng.randrange(3))
        case "mail":
            detail = rng.choice(MAILS)
            seconds = rng.choice([1.0, 8.0, 20.0]) if detail in ("hang", "away") else 0.0
            return replace(fault, detail=detail, seconds=seconds, after=rng.randrange(4))
    return replace(fault, after=0)
