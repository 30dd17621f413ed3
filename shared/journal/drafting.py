"""What the planner needs to know for a step: timers, states, shared counters and the journal, read from the
store where memory cannot tell."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from time import perf_counter
from typing import Generic

from shared.domain import S
from shared.journal.course import whole_milliseconds
from shared.journal.erasing import Chore
from shared.journal.partition import BYTES_A_CHARACTER, PartitionMemory
from shared.journal.plan import Plan, StoredState
from shared.journal.planner import Planner
from shared.journal.step import Step
from shared.journal.store import WorkerStore
from shared.runtime import telemetry
from shared.worker.budget import Budget
from shared.worker.processing import FencedError
from shared.worker.retry import retry

TIMERS_A_STEP = 500


class Drafter(Generic[S]):
    """Drafts a step's plan, as often as it takes. The store is waited for while it is in trouble."""

    def __init__(
        self,
        service: str,
        store: WorkerStore[S],
        planner: Planner[S],
        wall_clock: Callable[[], datetime],
        budget: Budget,
    ) -> None:
        self._service = service
        self._budget = budget
        self._store = store
        self._planner = planner
        self._wall_clock = wall_clock

    async def draft(self, step: Step[S]) -> Plan[S]:
        """The step's plan, on timers, states (``step.states`` then) and shared counters read for it; states
        of which memory is sure are not read again.

        What the domain rejects may be a redelivery: its first time changed the state that now speaks
        against it. The journal tells when the plan is written, as of all that was handled before.
        Raises ``StatesTooLargeError``.
        """
        self._budget.advance()
        await self._read_timers(step)
        await self._read_states(step)
        plan = await self._plan(step)
        if step.unkept:
            plan.entries.clear()
        return plan

    async def learn_duplicates(self, step: Step[S], plan: Plan[S]) -> None:
        """The journal refused entries of the plan: learn which. Raises ``FencedError`` if it has none."""
        uids = [*(e.event.uid for e in plan.entries), *plan.tombstones]
        if not await self._learn(step, uids) - plan.forgotten:
            raise FencedError("the journal refused entries that it does not have") from None

    async def _read_timers(self, step: Step[S]) -> None:
        batch = step.batch
        read = partial(
            self._store.due_timers, batch.partition, batch.partitions, batch.horizon, TIMERS_A_STEP
        )
        due = await retry(self._service, "mongo", read)
        telemetry.TIMERS_DUE.labels(self._service).set(len(due))
        step.cut(due, all_read=len(due) < TIMERS_A_STEP)

    def _note_told_of(self, step: Step[S]) -> None:
        """Whom its messages tell others of, and whose their states are. Who of them is erased on another
        partition memory may not know, nor whose erasure was lifted there: that is for the transaction."""
        of, states = self._planner.told_of, step.states
        others = {id for m in step.messages for id in of(m.event, states[m.event.state_id].state)}
        told_of = frozenset(map(self._planner.hash_of, others))
        if told_of != step.told_of:
            step.told_of, step.gone = told_of, told_of & step.memory.erased

    async def _read_states(self, step: Step[S]) -> None:
        memory, ids = step.memory, step.state_ids
        states = memory.states(ids)
        missing = [id for id in ids if id not in states]
        if missing:
            started = perf_counter()
            # Two of a text while it is read, and what the state itself takes.
            most = self._budget.step_limit // (BYTES_A_CHARACTER + 2)
            loaded = await retry(self._service, "mongo", lambda: self._store.load(missing, most))
            if memory.erased:
                loaded |= self._looked_up(memory, loaded)
                if back := [id for id, state in loaded.items() if state.erased and state.version]:
                    await self._erase_again(step, back)
            memory.keep(loaded)
            states |= loaded
            telemetry.BATCH_SECONDS.labels(self._service, "load").observe(perf_counter() - started)
        step.states = states
        self._note_told_of(step)

    def _looked_up(
        self, memory: PartitionMemory[S], loaded: Mapping[str, StoredState[S]]
    ) -> dict[str, StoredState[S]]:
        """Those of them that have gone for good. Who has a state is looked up too: a store that was restored
        may have them again."""
        new = [id for id in loaded if id not in memory.unerased]
        gone = [id for id in new if self._planner.hash_of(id) in memory.erased]
        memory.unerased.add(new if not gone else [id for id in new if id not in gone])
        return {id: replace(loaded[id], erased=True) for id in gone}

    async def _erase_again(self, step: Step[S], ids: Sequence[str]) -> None:
        """These came back with an older store: they are removed again."""
        at = whole_milliseconds(self._wall_clock())
        chores = [Chore(self._planner.hash_of(id), id, None, at) for id in ids]
        begin = partial(self._store.erasing.begin, step.batch.partition, step.memory.epoch, chores)
        await retry(self._service, "mongo", begin)
        step.memory.chores |= {chore.hash: chore for chore in chores}

    async def _plan(self, step: Step[S]) -> Plan[S]:
        """Planned again until no counter is unread; most often the first read has all that are in use."""
        counters = await self._counters(step.memory.counters.names if step.size else [])
        asked: set[str] = set()
        while True:
            started = perf_counter()
            plan = self._planner.plan(
                step.messages,
                step.due,
                step.states,
                now=step.batch.now,
                horizon=step.horizon,
                last_key=step.last_key,
                seen=step.seen,
                counters=counters,
                failed_at=self._wall_clock(),
                unstorable=step.unstorable,
                gone=step.gone,
            )
            telemetry.BATCH_SECONDS.labels(self._service, "apply").observe(perf_counter() - started)
            doubtful = _of_erased(plan)
            unknown, asked = doubtful - asked, asked | doubtful
            if unknown and await self._learn(step, sorted(unknown)):
                await self._read_states(step)
                continue
            if not plan.counters.unread:
                await self._read_retracted(step, plan)
                step.complete(plan, self._service)
                return plan
            counters |= await self._counters(sorted(plan.counters.unread))

    async def _read_retracted(self, step: Step[S], plan: Plan[S]) -> None:
        """What the journal has of earlier events that the plan takes back: of some it may be the one thing
        that knows what they emitted. Few steps take back any."""
        unknown = (plan.forgotten & plan.tombstones.keys()) - step.known.keys()
        if unknown:
            read = partial(self._store.journalled, sorted(unknown))
            step.known.update(await retry(self._service, "mongo", read))

    async def _counters(self, names: Sequence[str]) -> dict[str, int | None]:
        if not names:
            return {}
        return await retry(self._service, "mongo", lambda: self._store.counters(names))

    async def _learn(self, step: Step[S], uids: Sequence[str]) -> set[str]:
        """Which of these the journal has. If any, the states in memory may be older than what it tells of,
        and go."""
        found = await retry(self._service, "mongo", partial(self._store.journalled, uids))
        if found:
            step.known.update(found)
            step.memory.forget(step.state_ids)
        return set(found)


def _of_erased(plan: Plan[S]) -> set[str]:
    """Uids of entries about those who are erased by now, go in the plan or come back by it. The journal is
    asked of them before the plan is believed: of the first it would refuse none, though they may have been
    told before, and not be published yet; of the others it has nothing left once it is acted upon."""
    if not plan.erased and not plan.lifted:
        return {*plan.nameless}
    moved = plan.erased.keys() | plan.lifted.keys()
    return plan.nameless | {e.event.uid for e in plan.entries if e.event.state_id in moved}
