"""Why an entry of the ledger is what it is: each rule that counted, with its numbers. Pure.

It tells what the row recorded when it was booked (``why``), not what today's program would give. The
program file only splits a rate into its parts, where it still holds the version and the parts agree.
"""

from collections.abc import Mapping

from services.loyalty.domain import rules
from services.loyalty.domain.program.program import Programs
from services.loyalty.domain.reports.explain_credits import explain_credit, joining, missing, whom
from services.loyalty.domain.reports.explanation import (
    Case,
    Explanation,
    Number,
    Step,
    day,
    plural,
    time_text,
)
from services.loyalty.domain.reports.history import LotStory
from services.loyalty.domain.rows import LedgerRow, Opened
from services.loyalty.domain.state import read_terms, times
from shared.schemas.money import written
from shared.schemas.times import micros


def explain(row: LedgerRow, lots: Mapping[str, LotStory], programs: Programs) -> Explanation:
    """The entry's explanation. ``lots``: the member's, by ``LotStory.key``; those that ``row`` names at
    least. ``row`` may be a lot's that is not available yet (``history.pending_row``)."""
    case = Case(row, lots, programs)
    match row.why:
        case rules.Return() as why:
            return _reversed(case, why)
        case rules.Double():
            return _double(case)
        case rules.Joining() as why if row.opened is None:
            return _parted(case, why)
        case rules.Redemption() as why:
            return _redeemed(case, why)
        case rules.Cancellation() as why:
            return _restored(case, why)
        case rules.Expiry():
            return _expired(case)
        case rules.Adjustment() as why if row.opened is None:
            return _deducted(case, why)
        case why:
            return _given(case, why)


def _given(case: Case, why: rules.Credit | rules.Unknown) -> Explanation:
    told, opened = explain_credit(case, why), case.row.opened
    if opened is None:  # no credit, by a rule that is not known
        return Explanation(f"{told.sentence}.", told.steps)
    return Explanation(
        f"{told.sentence}, good until {day(opened.expires_at)}.",
        (*told.steps, *_paid(case), _validity(opened)),
    )


def _reversed(case: Case, why: rules.Return) -> Explanation:
    row = case.row
    terms = read_terms(why.terms)
    refunded, rest = written(why.refund, terms.currency), written(why.left, terms.currency)
    before = times(why.left + why.refund - why.over - why.exempt, terms.award)
    lost = before - why.keeps
    cancelled = lost + why.campaigns + row.points
    steps = [
        Step(
            "return",
            f"Return {why.return_id} gave back {refunded} of order {row.order_id}; {rest} of it is left.",
            {"return_id": why.return_id, "refund": why.refund, "left": why.left},
        ),
        *_beside(why, terms.currency),
        Step(
            "keeps",
            f"{rest} at {terms.award} of a point per minor unit, rounded down, is {why.keeps} of the "
            f"{before} points it had: {lost} go.",
            {"left": why.left, "award": terms.award, "before": before, "keeps": why.keeps, "lost": lost},
        ),
    ]
    if why.campaigns:
        said = f"Of what campaigns gave for it, {why.campaigns} go."
        steps.append(Step("campaigns", said, {"lost": why.campaigns}))
    if cancelled:
        said = f"{cancelled} of them were not available yet: they never came in."
        steps.append(Step("pending", said, {"cancelled": cancelled}))
    own, others = _whose(case)
    said = f"{own} from the purchase's own lots, {others} from others, {row.debt} owed."
    steps.append(Step("sources", said, {"own": own, "others": others, "debt": row.debt}))
    sentence = f"{case.size} taken back, since {refunded} of order {row.order_id} was refunded"
    sentence += f"; {plural(row.debt)} of them are owed." if row.debt else "."
    return Explanation(sentence, (*steps, *_pieces(case)))


def _beside(why: rules.Return, currency: str) -> list[Step]:
    """Of the refund, what takes no points back."""
    steps = []
    if why.over > 0:
        said = f"{written(why.over, currency)} of it is more than was paid and does not count."
        steps.append(Step("over", said, {"over": why.over}))
    if why.exempt:
        said = f"{written(why.exempt, currency)} of it was for goods that had earned nothing."
        steps.append(Step("exempt", said, {"exempt": why.exempt}))
    return steps


def _redeemed(case: Case, why: rules.Redemption) -> Explanation:
    cost = -case.row.points
    reward = case.programs.at(micros(case.row.at)).catalogue.get(why.reward_id)
    name = reward.name if reward is not None else why.reward_id
    step = Step("reward", f"{name} costs {plural(cost)}.", {"reward_id": why.reward_id, "cost": cost})
    return Explanation(f"{case.size} spent on {name}, those that expire first first.", (step, *_pieces(case)))


def _restored(case: Case, why: rules.Cancellation) -> Explanation:
    reward_id, points = why.reward_id, case.row.points
    said = f"A voucher for {reward_id} was cancelled: its {plural(points)} went back where they came from."
    step = Step("cancelled", said, {"reward_id": reward_id, "points": points})
    return Explanation(
        f"{case.size} given back for a cancelled {reward_id}.",
        (step, *_paid(case), *_pieces(case)),
    )


def _expired(case: Case) -> Explanation:
    lot = case.lots[case.row.lots[0].entry_id]
    said = f"Earned on {day(lot.earned_at)} and good until {day(lot.expires_at)}; what was left ended."
    numbers: dict[str, Number] = {
        "earned": lot.points,
        "earned_at": time_text(lot.earned_at),
        "expires_at": time_text(lot.expires_at),
    }
    sentence = f"{case.size} of the {lot.points} earned on {day(lot.earned_at)} were not used in time."
    return Explanation(sentence, (Step("expiry", said, numbers), *_pieces(case)))


def _deducted(case: Case, why: rules.Adjustment) -> Explanation:
    step = Step("adjustment", f"By hand: {why.reason}")
    return Explanation(f"{case.size} taken by hand: {why.reason}.", (step, *_pieces(case)))


def _double(case: Case) -> Explanation:
    row = case.row
    said = f"Order {row.order_id} was told of two customers who are one: what was told first holds."
    steps = [Step("duplicate_order", said, {"order_id": row.order_id or ""})]
    sentence = f"{case.size} taken back, since order {row.order_id} had given its points already"
    sentence += f"; {plural(row.debt)} of them are owed." if row.debt else "."
    return Explanation(sentence, (*steps, *_pieces(case)))


def _parted(case: Case, why: rules.Joining) -> Explanation:
    """What went to another customer, or of what came from there is not there any more."""
    paid = [*_pieces(case)]
    if case.row.points == 0 and why.missing:
        said = f"{plural(why.missing)} of a merge with {whom(why)} are not there any more."
        return Explanation(said, missing(why))
    if case.row.debt < 0:
        said = f"{plural(-case.row.debt)} were owed, which go too."
        paid.append(Step("debt", said, {"points": case.row.debt}))
    return Explanation(joining(case, why) + ".", (*missing(why), *paid))


def _whose(case: Case) -> tuple[int, int]:
    """How many points came from the order's own lots, and how many from others."""
    own = others = 0
    for lot, points in case.row.lots:
        if case.lots[lot].order_id == case.row.order_id:
            own -= points
        else:
            others -= points
    return own, others


def _pieces(case: Case) -> list[Step]:
    """A step for each lot that the entry changed, in the order in which it did."""
    steps = []
    for key, change in case.row.lots:
        lot = case.lots[key]
        verb = "out of" if change < 0 else "back into"
        said = (
            f"{abs(change)} {verb} the {lot.points} earned on {day(lot.earned_at)} ({lot.reason}), "
            f"good until {day(lot.expires_at)}."
        )
        numbers: dict[str, Number] = {"entry_id": lot.key, "points": change, "earned": lot.points}
        steps.append(Step("lot", said, {**numbers, "expires_at": time_text(lot.expires_at)}))
    return steps


def _paid(case: Case) -> list[Step]:
    paid = -case.row.debt
    return [Step("debt", f"{plural(paid)} of these paid what was owed.", {"points": paid})] if paid else []


def _validity(opened: Opened) -> Step:
    said = f"Can be spent from {day(opened.available_at)} until {day(opened.expires_at)}."
    numbers = {
        "earned_at": time_text(opened.earned_at),
        "available_at": time_text(opened.available_at),
        "expires_at": time_text(opened.expires_at),
    }
    return Step("validity", said, numbers)
