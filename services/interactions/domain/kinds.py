"""States that are no customer's, and what decides about each."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from services.interactions.domain.aliases import state as aliases
from services.interactions.domain.aliases.apply import apply as apply_alias
from services.interactions.domain.desk.policy import Desk
from services.interactions.domain.duplicates import state as duplicates
from services.interactions.domain.duplicates.apply import apply_block, apply_pair
from services.interactions.domain.erasing import state as erasures
from services.interactions.domain.erasing.certificate import apply_erasure
from services.interactions.domain.growth import record as records
from services.interactions.domain.growth.apply import apply as apply_record
from services.interactions.domain.orders import state as orders
from services.interactions.domain.orders.apply import apply as apply_order
from services.interactions.domain.routing import membership, team
from services.interactions.domain.routing import state as teams
from services.interactions.domain.tasks import state as tasks
from services.interactions.domain.tasks.apply import apply as apply_task
from shared.domain import Kind
from shared.schemas.commands.aliases import ALIAS
from shared.schemas.commands.duplicates import BLOCK, PAIR
from shared.schemas.commands.erasures import ERASURE
from shared.schemas.commands.orders import ORDER, OrderTellRequested
from shared.schemas.teams import AGENT, RECORD, TASK, TEAM, TaskOpened


def kinds(desk: Desk) -> Mapping[str, Kind[Any]]:
    """By the word with which their ids begin."""
    return {
        TASK: Kind(tasks.Task, tasks.initial, apply_task, judges=(TaskOpened,)),
        RECORD: Kind(records.Record, records.initial, partial(apply_record, desk.learning)),
        TEAM: Kind(teams.Team, teams.initial, partial(team.apply, desk)),
        BLOCK: Kind(duplicates.Block, duplicates.initial_block, apply_block),
        PAIR: Kind(duplicates.Pair, duplicates.initial_pair, apply_pair),
        ALIAS: Kind(aliases.AliasState, aliases.initial, apply_alias),
        AGENT: Kind(membership.Membership, membership.initial, membership.apply),
        ORDER: Kind(
            orders.Order,
            orders.initial,
            apply_order,
            judges=(OrderTellRequested,),
            owner=lambda order: order.owner,
        ),
        ERASURE: Kind(erasures.Erasure, erasures.initial, apply_erasure),
    }
