"""Why an entry of the ledger is what it is: each rule that counted, with its numbers. Pure.

It tells what the row recorded when it was booked (``why``), not what today's program would give. The
program file only splits a rate into its parts, where it still holds the version and the parts agree.
"""

from collections.abc import Callable, Mapping

from services.loyalty.domain.program.program import Programs
from services.loyalty.domain.reports.explain_credits import CREDITS, plain
from services.loyalty.domain.reports.explanation import (
    Case,
    Explanation,
    Number,
    Step,
    day,
    plural,
    time_text,
)
from services.loyalty.domain.reports.history import LotStory, Row, is_credit
from services.loyalty.domain.state import read_terms, times
from shared.schemas.money import written
from shared.schemas.times import micros


def explain(row: Row, lots: Mapping[str, LotStory], programs: Programs) -> Explanation:
    """The entry's explanation. ``lots``: the member's, by ``LotStory.key``; those that ``row`` names at
    least. ``row`` may be a lot's that is not available yet (``history.pending_row``)."""
    case = Case(row, lots, programs)
    if not is_credit(row):
        return _DEBITS[row["kind"]](case)
    told = CREDITS.get(case.why.get("rule", ""), plain)(case)
    return Explanation(
        f"{told.sentence}, good until {day(row['expires_at'])}.",
        (*told.steps, *_paid(row), _validity(row)),
    )


def _reversed(case: Case) -> Explanation:
    row, why = case.row, case.why
    currency, award, _ = read_terms(why["terms"])
    refund, left, keeps, campaigns = (int(why[name]) for name in ("refund", "left", "keeps", "campaigns"))
    taken = -row["points"]
    before = times(left + refund, award)
    cancelled = before - keeps + campaigns - taken
    steps = [
        Step(
            "return",
            f"Return {why['return_id']} gave back {written(refund, currency)} of order {row['order_id']}; "
            f"{written(left, currency)} of it is left.",
            {"return_id": why["return_id"], "refund": refund, "left": left},
        ),
        Step(
            "keeps",
            f"{written(left, currency)} at {award} of a point a minor unit, rounded down, is {keeps} of the "
            f"{before} points it had: {before - keeps} go.",
            {"left": left, "award": award, "before": before, "keeps": keeps, "lost": before - keeps},
        ),
    ]
    if campaigns:
        said = f"Of what campaigns gave for it, {campaigns} go."
        steps.append(Step("campaigns", said, {"lost": campaigns}))
    if cancelled:
        said = f"{cancelled} of them were not available yet: they never came in."
        steps.append(Step("pending", said, {"cancelled": cancelled}))
    own, others = _whose(case)
    said = f"{own} from the purchase's own lots, {others} from others, {row['debt']} owed."
    steps.append(Step("sources", said, {"own": own, "others": others, "debt": row["debt"]}))
    sentence = (
        f"{case.size} taken back, since {written(refund, currency)} of order {row['order_id']} was refunded"
    )
    sentence += f"; {plural(row['debt'])} of them are owed." if row["debt"] else "."
    return Explanation(sentence, (*steps, *_pieces(case)))


def _redeemed(case: Case) -> Explanation:
    reward_id, cost = case.row["reason"], -case.row["points"]
    reward = case.programs.at(micros(case.row["at"])).catalogue.get(reward_id)
    name = reward.name if reward is not None else reward_id
    step = Step("reward", f"{name} costs {plural(cost)}.", {"reward_id": reward_id, "cost": cost})
    return Explanation(f"{case.size} spent on {name}, those that expire first first.", (step, *_pieces(case)))


def _restored(case: Case) -> Explanation:
    reward_id, points = case.row["reason"], case.row["points"]
    said = f"A voucher for {reward_id} was cancelled: its {plural(points)} went back where they came from."
    step = Step("cancelled", said, {"reward_id": reward_id, "points": points})
    return Explanation(
        f"{case.size} given back for a cancelled {reward_id}.",
        (step, *_paid(case.row), *_pieces(case)),
    )


def _expired(case: Case) -> Explanation:
    lot = case.lots[case.row["lots"][0]["entry_id"]]
    said = f"Earned on {day(lot.earned_at)} and good until {day(lot.expires_at)}; what was left ended."
    numbers: dict[str, Number] = {
        "earned": lot.points,
        "earned_at": time_text(lot.earned_at),
        "expires_at": time_text(lot.expires_at),
    }
    sentence = f"{case.size} of the {lot.points} earned on {day(lot.earned_at)} were not used in time."
    return Explanation(sentence, (Step("expiry", said, numbers), *_pieces(case)))


def _deducted(case: Case) -> Explanation:
    reason = case.row["reason"]
    step = Step("adjustment", f"By hand: {reason}")
    return Explanation(f"{case.size} taken by hand: {reason}.", (step, *_pieces(case)))


def _whose(case: Case) -> tuple[int, int]:
    """How many points came from the order's own lots, and how many from others."""
    own = others = 0
    for piece in case.row["lots"]:
        if case.lots[piece["entry_id"]].order_id == case.row["order_id"]:
            own -= piece["points"]
        else:
            others -= piece["points"]
    return own, others


def _pieces(case: Case) -> list[Step]:
    """A step for each lot that the entry changed, in the order in which it did."""
    steps = []
    for piece in case.row["lots"]:
        lot, change = case.lots[piece["entry_id"]], piece["points"]
        verb = "out of" if change < 0 else "back into"
        said = (
            f"{abs(change)} {verb} the {lot.points} earned on {day(lot.earned_at)} ({lot.reason}), "
            f"good until {day(lot.expires_at)}."
        )
        numbers: dict[str, Number] = {"entry_id": lot.key, "points": change, "earned": lot.points}
        steps.append(Step("lot", said, {**numbers, "expires_at": time_text(lot.expires_at)}))
    return steps


def _paid(row: Row) -> list[Step]:
    paid = -row["debt"]
    return [Step("debt", f"{plural(paid)} of these paid what was owed.", {"points": paid})] if paid else []


def _validity(row: Row) -> Step:
    bounds = {name: row[name] for name in ("earned_at", "available_at", "expires_at")}
    said = f"Can be spent from {day(bounds['available_at'])} until {day(bounds['expires_at'])}."
    return Step("validity", said, {name: time_text(time) for name, time in bounds.items()})


_DEBITS: Mapping[str, Callable[[Case], Explanation]] = {
    "reversed": _reversed,
    "redeemed": _redeemed,
    "restored": _restored,
    "expired": _expired,
    "adjusted": _deducted,
}
