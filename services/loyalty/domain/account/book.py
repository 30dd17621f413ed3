"""A member's state, opened for one event: a working copy with an attribute for each of its fields.

It lives within one ``apply``, so the functions that use it stay pure: state in, effects out. Points come
and go by ``entries``; ``closing`` makes a state of it again.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from services.loyalty.domain.account.lots import Lots
from services.loyalty.domain.account.whose import Whose
from services.loyalty.domain.membership import Invited, Period, UsedCode
from services.loyalty.domain.program.numbers import MAX_POINTS
from services.loyalty.domain.program.program import Program, Programs
from services.loyalty.domain.rows import LedgerRow, VoucherRow
from services.loyalty.domain.state import Bonus, Exempt, MemberState, Order, Pending, Told, Voucher, built
from shared.domain import Context, Emit, RefusedError, Retract, Take
from shared.facts.names import Name, name_of, with_name, without_name
from shared.facts.profile import Known, value_of
from shared.schemas.base import Data
from shared.schemas.event import Event
from shared.schemas.loyalty import Cause
from shared.schemas.times import Micros, moment


@dataclass(slots=True, init=False, eq=False)
class Book:
    """The account while one event is applied. ``at`` never goes back."""

    member: str
    program: Callable[[Micros], Program]
    """The version that is in force at an instant."""
    cause: Cause
    """The event, or for what it lets happen the earlier one that led to it."""
    origin: str
    """Where that event's record stands in the log."""
    extensions: str | None
    """That event's other attributes, as JSON text."""
    context: Context
    told_of: str
    """Whom the event was told of, where that is an old id of the member's; else empty."""
    before: MemberState
    opening: int
    """The balance before the event."""

    # The state's
    at: Micros
    enrolled_at: Micros | None
    seq: int
    lifetime: int
    debt: int
    lots: Lots
    pending: list[Pending]
    orders: list[Order]
    periods: list[Period]
    vouchers: list[Voucher]
    waiting: list[Told]
    bonuses: tuple[Bonus, ...]
    returned: tuple[tuple[str, str, int], ...]
    campaigns: tuple[tuple[str, int], ...]
    bought_at: Micros | None
    invited: Invited | None
    referrals: tuple[Micros, ...]
    profile: Mapping[str, Known]
    anniversary_at: Micros | None
    birthday_at: Micros | None
    birthday_given_at: Micros | None
    told_at: Micros | None
    told_until: Micros
    booked_at: Micros
    names: bytes
    ahead: list[Told]
    early: tuple[Told, ...]
    exempt: tuple[Exempt, ...]
    apart: Whose | None
    """Open where there are things of others: mostly not."""
    used_codes: tuple[UsedCode, ...]

    # The effects
    emits: list[Emit]
    entries: list[LedgerRow]
    voucher_rows: list[VoucherRow]
    takes: list[Take]
    retracts: list[Retract]
    posted: dict[str, int]
    """Points of this event's entries by kind."""
    lots_opened: int
    """Those that wait too."""

    def __init__(
        self, member: str, state: MemberState, programs: Programs, cause: Cause, context: Context
    ) -> None:
        self.member = member
        self.program = programs.at
        self.cause = cause
        self.origin = context.origin
        self.extensions = None
        self.context = context
        self.told_of = ""
        self.before = state

        self.at = state.at
        self.enrolled_at = state.enrolled_at
        self.seq = state.seq
        self.lifetime = state.lifetime
        self.debt = state.debt
        self.lots = Lots(state.lots)
        self.pending = list(state.pending)
        self.orders = list(state.orders)
        self.periods = list(state.periods)
        self.vouchers = list(state.vouchers)
        self.waiting = list(state.waiting)
        self.bonuses = state.bonuses
        self.returned = state.returned
        self.campaigns = state.campaigns
        self.bought_at = state.bought_at
        self.invited = state.invited
        self.referrals = state.referrals
        self.profile = state.profile
        self.anniversary_at = state.anniversary_at
        self.birthday_at = state.birthday_at
        self.birthday_given_at = state.birthday_given_at
        self.told_at = state.told_at
        self.told_until = state.told_until
        self.booked_at = state.booked_at
        self.names = state.names
        self.ahead = list(state.ahead)
        self.early = state.early
        self.exempt = state.exempt
        self.apart = None if state.apart is None else Whose(state.apart)
        self.used_codes = state.used

        self.emits = []
        self.entries = []
        self.voucher_rows = []
        self.takes = []
        self.retracts = []
        self.posted = {}
        self.lots_opened = 0
        self.opening = self.balance

    def closed(self, due: Micros | None) -> MemberState:
        """The state as this event leaves it. ``due``: what its timer is set for."""
        return built(
            self.before,
            at=self.at,
            enrolled_at=self.enrolled_at,
            seq=self.seq,
            lifetime=self.lifetime,
            debt=self.debt,
            lots=tuple(self.lots.active),
            pending=tuple(self.pending),
            orders=tuple(self.orders),
            periods=tuple(self.periods),
            vouchers=tuple(self.vouchers),
            waiting=tuple(self.waiting),
            bonuses=self.bonuses,
            returned=self.returned,
            campaigns=self.campaigns,
            bought_at=self.bought_at,
            invited=self.invited,
            referrals=self.referrals,
            profile=self.profile,
            anniversary_at=self.anniversary_at,
            birthday_at=self.birthday_at,
            birthday_given_at=self.birthday_given_at,
            told_at=self.told_at,
            told_until=self.told_until,
            booked_at=self.booked_at,
            names=self.names,
            ahead=tuple(self.ahead),
            early=self.early,
            exempt=self.exempt,
            due=due,
            merging=self.before.merging,
            apart=None if self.apart is None else self.apart.closed(self),
            used=self.used_codes,
        )

    def saved(self) -> dict[str, Any]:
        """What ``restore`` takes back all changes with."""
        return {name: _copy(getattr(self, name)) for name in self.__slots__}

    def restore(self, saved: Mapping[str, Any]) -> None:
        """As it was."""
        for name, value in saved.items():
            setattr(self, name, value)

    @property
    def balance(self) -> int:
        return self.lots.total - self.debt

    def told(self, field: str) -> str | None:
        """What the profile says."""
        found: str | None = value_of(self.profile, field)
        return found

    def has_room(self, points: int) -> bool:
        """Whether the account can hold so many more."""
        waiting = sum([pending.lot.remaining for pending in self.pending]) if self.pending else 0
        return max(self.lifetime, self.balance) + waiting + points <= MAX_POINTS

    # What is shared with other customers

    def used(self, counter: str) -> int:
        """How much of a shared counter is taken, by this event too."""
        return self.context.used(counter) + sum(t.amount for t in self.takes if t.counter == counter)

    def has_left(self, counter: str, limit: int | None) -> bool:
        """Whether one more can be taken."""
        return limit is None or self.used(counter) < limit

    def take(self, counter: str, amount: int, limit: int | None = None) -> None:
        if amount:
            self.takes.append(Take(counter, amount, limit))

    def set_aside(self, event: Event, origin: str, refusal: RefusedError) -> None:
        """What was accepted earlier is refused after all."""
        self.retracts.append(Retract(event, origin, refusal.code, refusal.reason))

    def retract(self, event: Event, origin: str, refusal: RefusedError) -> None:
        """Set aside, and its name is as if never heard."""
        self.set_aside(event, origin, refusal)
        name = name_of(event)
        if name is not None:
            self.names = without_name(self.names, name)

    def tag(self, thing: str, name: str) -> None:
        """It was told of an old id, if this event was."""
        if self.told_of:
            self.whose().things[f"{thing} {name}"] = self.told_of

    def owner(self, thing: str, name: str) -> str:
        """Whose it is: an old id, or empty."""
        return "" if self.apart is None else self.apart.things.get(f"{thing} {name}", "")

    def whose(self) -> Whose:
        """What is whose, opened."""
        if self.apart is None:
            self.apart = Whose(None)
        return self.apart

    def hear(self, name: Name, day: int) -> None:
        """The name is known from now on."""
        self.names = with_name(self.names, name, day)
        if self.told_of:
            self.whose().heard(self.told_of, name, day)

    def emit(self, data: Data, at: Micros, subject: str | None = None) -> None:
        self.emits.append(Emit(data, moment(at), subject))


def _copy(value: Any) -> Any:
    return value.copy() if isinstance(value, list | dict | Lots | Whose) else value
