"""Why points were given: a function for each rule that gives them. Pure.

Their sentences have no full stop: ``explain`` adds until when the points are good.
"""

from collections.abc import Callable, Mapping
from fractions import Fraction

from services.loyalty.domain.reports.explanation import Case, Explanation, Number, Step, plural
from services.loyalty.domain.reports.history import Row
from services.loyalty.domain.state import read_terms, times
from shared.schemas.money import written


def _purchase(case: Case) -> Explanation:
    row, why = case.row, case.why
    terms, total = read_terms(why["terms"]), int(why["total"])
    exact, points = total * Fraction(terms.award), times(total, terms.award)
    steps = [
        Step(
            "tier",
            f"{why['tier']} was held when the purchase was made, under {why['program']}.",
            {"tier": why["tier"], "program": why["program"]},
        ),
        _rate(case, terms.award, terms.currency),
        Step(
            "formula",
            f"{written(total, terms.currency)} at {terms.award} of a point a minor unit is {exact}.",
            {"total": total, "award": terms.award, "exact": str(exact)},
        ),
        Step("rounding", f"Rounded down, once: {points}.", {"exact": str(exact), "points": points}),
        *_returned_before(row, points),
    ]
    sentence = (
        f"{case.size} for order {row['order_id']} over {written(total, terms.currency)}, "
        f"at {terms.award} of a point a minor unit, as {why['tier']}"
    )
    return Explanation(sentence, tuple(steps))


def _rate(case: Case, award: str, currency: str) -> Step:
    numbers: dict[str, Number] = {"award": award, "currency": currency}
    whole = Step("rate", f"One minor unit of {currency} gave {award} of a point.", numbers)
    program, tier = case.version(), case.why["tier"]
    if program is None or tier not in program.ranks or currency not in program.rates:
        return whole
    multiplier, rate = program.tiers[program.ranks[tier]].multiplier, program.rates[currency]
    earn = program.earn
    if Fraction(earn.points, earn.per) * Fraction(multiplier) * Fraction(rate) != Fraction(award):
        return whole  # the file has been changed since
    return Step(
        "rate",
        f"{plural(earn.points)} for every {written(earn.per, program.currency)}, times {multiplier} "
        f"for {tier}, times {rate} for {currency}: {award} of a point for one minor unit.",
        {
            **numbers,
            "points": earn.points,
            "per": earn.per,
            "multiplier": str(multiplier),
            "currency_rate": str(rate),
        },
    )


def _campaign(case: Case) -> Explanation:
    row, why = case.row, case.why
    effect = why["effect"]
    what, number = next(iter(effect.items()))
    said = {
        "multiplier": f"It multiplies the tier's points by {_text(number)}; these are what that adds.",
        "bonus": f"It gives {number} points for the purchase.",
        "points_per_line": f"It gives {number} points for each line that matches.",
    }[what]
    if what == "bonus" and row["points"] < number:
        said += " A cap, a budget or a return before they were available left fewer."
    rest = {
        "best": "Of the campaigns that held, the one that gives most counts.",
        "sum": "Every campaign that held counts.",
    }[why["stacking"]]
    steps = (
        Step(
            "campaign",
            f"The purchase met campaign {why['campaign']} ({why['name']}) of {why['program']}.",
            {"campaign": why["campaign"], "name": why["name"], "program": why["program"]},
        ),
        Step("effect", said, {what: number if isinstance(number, int) else _text(number)}),
        Step("stacking", rest, {"stacking": why["stacking"]}),
    )
    return Explanation(f"{case.size} more for order {row['order_id']} by {why['name']}", steps)


def _referral(case: Case) -> Explanation:
    why = case.why
    program = {"program": why["program"], "points": case.row["points"]}
    if "friend" in why:
        friend, order = why["friend"], why["order_id"]
        said = f"{friend}, whom the member referred, made the first purchase: order {order}."
        step = Step("referral", said, {"friend": friend, "order_id": order, **program})
        return Explanation(f"{case.size} for bringing {friend}", (step,))
    referrer = why["referrer"]
    said = f"{referrer} had referred the member, who made the first purchase."
    return Explanation(
        f"{case.size} for coming by {referrer}",
        (Step("referral", said, {"referrer": referrer, **program}),),
    )


def _anniversary(case: Case) -> Explanation:
    years, points = int(case.why["years"]), case.row["points"]
    each = points // years
    said = f"{plural(each)} times {years}, the years since enrolment, under {case.why['program']}."
    numbers: dict[str, Number] = {"years": years, "each": each, "points": points}
    sentence = f"{case.size} for {years} year{'s' * (years != 1)} as a member"
    return Explanation(sentence, (Step("anniversary", said, numbers),))


def _occasion(rule: str, said: str) -> Callable[[Case], Explanation]:
    def told(case: Case) -> Explanation:
        program, points = case.why["program"], case.row["points"]
        step = Step(rule, f"{program} gives {plural(points)} {said}.", {"program": program, "points": points})
        return Explanation(f"{case.size} {said}", (step,))

    return told


def _compensation(case: Case) -> Explanation:
    complaint = case.why["complaint_id"]
    step = Step("compensation", f"Given to make good complaint {complaint}.", {"complaint_id": complaint})
    return Explanation(f"{case.size} to make good complaint {complaint}", (step,))


def plain(case: Case) -> Explanation:
    """By hand, or by a rule that is not known here."""
    reason = case.row["reason"]
    if case.row["kind"] == "adjusted":
        return Explanation(
            f"{case.size} given by hand: {reason}", (Step("adjustment", f"By hand: {reason}"),)
        )
    # A rule that this version does not know, such as one of a later version.
    rule = str(case.why.get("rule", "unknown"))
    return Explanation(f"{case.size} for {reason}", (Step(rule, f"For {reason}."),))


def _returned_before(row: Row, points: int) -> list[Step]:
    gone = points - row["points"]
    if not gone:
        return []
    return [Step("returned", f"Returns before they were available took {gone} of them.", {"points": gone})]


def _text(number: float) -> str:
    return str(number).removesuffix(".0")


CREDITS: Mapping[str, Callable[[Case], Explanation]] = {
    "purchase": _purchase,
    "campaign": _campaign,
    "referral": _referral,
    "anniversary": _anniversary,
    "birthday": _occasion("birthday", "for the member's birthday"),
    "welcome": _occasion("welcome", "for joining"),
    "compensation": _compensation,
    "adjustment": plain,
}
"""By the ``rule`` of the row's ``why``."""
