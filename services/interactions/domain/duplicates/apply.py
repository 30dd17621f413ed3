"""What is told of those who have something in common, and of two who may be one. Pure."""

from services.interactions.domain.duplicates.names import close
from services.interactions.domain.duplicates.rows import duplicate_row
from services.interactions.domain.duplicates.state import MAX_MEMBERS, Block, Member, Pair, Reason
from services.interactions.domain.rows import DUPLICATES
from services.interactions.domain.state import altered
from services.interactions.errors import DUPLICATE_DECIDED, UNKNOWN_DUPLICATE
from shared.domain import Context, Effects, Emit, Outcome, Put
from shared.schemas.commands.duplicates import (
    BlockJoinRequested,
    DuplicateDecideRequested,
    DuplicateForgetRequested,
    DuplicateFoundRequested,
    pair_key,
)
from shared.schemas.event import Event
from shared.schemas.times import Micros, micros


def apply_block(block: Block, event: Event, context: Context) -> Effects[Block]:
    """Whoever comes is compared with those who are there."""
    data = event.data
    others = tuple(one for one in block.members if one.customer != vars(data)["customer_id"])
    if not isinstance(data, BlockJoinRequested):
        return Effects(block if len(others) == len(block.members) else altered(block, members=others))
    new = altered(block, members=(*others, Member(customer=data.customer_id, name=data.name))[-MAX_MEMBERS:])
    alike = close(data.name, ((one.customer, one.name) for one in others))
    emits = tuple(
        Emit(
            DuplicateFoundRequested(
                customer_id=data.customer_id, other_id=other, reason=data.trait, score=score
            ),
            event.time,
            pair_key(data.customer_id, other),
        )
        for other, score in alike
    )
    return Effects(new, emits)


def apply_pair(pair: Pair, event: Event, context: Context) -> Effects[Pair]:
    """What a person has decided holds for ever. Raises ``unknown_duplicate``, ``duplicate_decided``."""
    data, at = event.data, micros(event.time)
    if isinstance(data, DuplicateFoundRequested):
        return _found(pair, data, at)
    if isinstance(data, DuplicateForgetRequested):  # both may be told of anew, should that be lifted
        return Effects(Pair(key=pair.key))
    assert isinstance(data, DuplicateDecideRequested)
    if not pair.reasons:
        raise UNKNOWN_DUPLICATE(duplicate=pair.key)
    outcome = Outcome(200, {"duplicate_id": pair.key, "status": data.verdict})
    if pair.status == data.verdict:
        return Effects(pair, outcome=outcome)
    if pair.status != "open":
        raise DUPLICATE_DECIDED(duplicate=pair.key, status=pair.status)
    new = altered(pair, status=data.verdict, decided_at=at, decided_by=data.decided_by)
    return Effects(new, rows=(_row(new),), outcome=outcome)


def _found(pair: Pair, data: DuplicateFoundRequested, at: Micros) -> Effects[Pair]:
    if pair.status != "open" or any(one.reason == data.reason for one in pair.reasons):
        return Effects(pair)
    reason = Reason(reason=data.reason, at=at, score=data.score)
    new = altered(
        pair, customers=tuple(sorted((data.customer_id, data.other_id))), reasons=(*pair.reasons, reason)
    )
    return Effects(new, rows=(_row(new),))


def _row(pair: Pair) -> Put:
    return Put(DUPLICATES, duplicate_row(pair).document())
