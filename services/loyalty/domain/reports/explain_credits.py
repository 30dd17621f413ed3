"""Why points were given: a function for each rule that gives them. Pure.

Their sentences have no full stop: ``explain`` adds the expiry.
"""

from fractions import Fraction
from typing import assert_never

from services.loyalty.domain import rules
from services.loyalty.domain.reports.explanation import Case, Explanation, Number, Step, plural
from services.loyalty.domain.state import read_terms, times
from shared.schemas.money import written


def explain_credit(case: Case, why: rules.Credit | rules.Unknown) -> Explanation:
    """Why the entry's points were given."""
    match why:
        case rules.Purchase():
            return _purchase(case, why)
        case rules.Campaign():
            return _campaign(case, why)
        case rules.ReferrerReward():
            return _referrer(case, why)
        case rules.FriendReward():
            return _friend(case, why)
        case rules.Anniversary():
            return _anniversary(case, why)
        case rules.Birthday():
            return _occasion(case, why, "for the member's birthday")
        case rules.Welcome():
            return _occasion(case, why, "for joining")
        case rules.Compensation():
            said = f"to make good complaint {why.complaint_id}"
            step = Step("compensation", f"Given {said}.", {"complaint_id": why.complaint_id})
            return Explanation(f"{case.size} {said}", (step,))
        case rules.Adjustment():
            step = Step("adjustment", f"By hand: {why.reason}")
            return Explanation(f"{case.size} given by hand: {why.reason}", (step,))
        case rules.Joining():
            return Explanation(joining(case, why), missing(why))
        case rules.Unknown():
            return Explanation(f"{case.size} for {why.reason}", (Step(why.rule, f"For {why.reason}."),))
        case _:
            assert_never(why)


def joining(case: Case, why: rules.Joining) -> str:
    """What went from one customer to another, without a full stop."""
    came = case.row.points > 0 or case.row.opened is not None
    way = "from" if came else "to"
    who = "the same person" if why.rule == "merged" else "somebody else after all"
    return f"{case.size} {'came' if came else 'went'} {way} {whom(why)}, who is {who}"


def whom(why: rules.Joining) -> str:
    """The other one, by their id as long as they are not erased."""
    return f"customer {why.other}" if why.other else "another customer"


def missing(why: rules.Joining) -> tuple[Step, ...]:
    """A step for what is not given back."""
    if not why.missing:
        return ()
    said = (
        f"{plural(why.missing)} that had come by the merge were spent, ended or taken back meanwhile: "
        "they are not given back."
    )
    return (Step("missing", said, {"points": why.missing}),)


def _purchase(case: Case, why: rules.Purchase) -> Explanation:
    row, terms = case.row, read_terms(why.terms)
    total, award = written(why.total, terms.currency), terms.award
    counted = why.total - why.exempt
    exact, points = str(counted * Fraction(award)), times(counted, award)
    steps = [
        Step(
            "tier",
            f"{why.tier} was held when the purchase was made, under {why.program}.",
            {"tier": why.tier, "program": why.program},
        ),
        _rate(case, why, award, terms.currency),
        *_exempt(why, total, terms.currency),
        Step(
            "formula",
            f"{written(counted, terms.currency)} at {award} of a point per minor unit is {exact}.",
            {"total": counted, "award": award, "exact": exact},
        ),
        Step("rounding", f"Rounded down, once: {points}.", {"exact": exact, "points": points}),
    ]
    if gone := points - row.points:
        said = f"Returns before they were available took {gone} of them."
        steps.append(Step("returned", said, {"points": gone}))
    sentence = (
        f"{case.size} for order {row.order_id} over {total}, at {award} of a point per minor unit, "
        f"as {why.tier}"
    )
    return Explanation(sentence, tuple(steps))


def _exempt(why: rules.Purchase, total: str, currency: str) -> list[Step]:
    if not why.exempt:
        return []
    said = f"{total} was paid; {written(why.exempt, currency)} of it earns nothing, as {why.program} says."
    return [Step("exempt", said, {"paid": why.total, "exempt": why.exempt})]


def _rate(case: Case, why: rules.Purchase, award: str, currency: str) -> Step:
    numbers: dict[str, Number] = {"award": award, "currency": currency}
    whole = Step("rate", f"One minor unit of {currency} gave {award} of a point.", numbers)
    program = case.version(why.program)
    if program is None or why.tier not in program.ranks or currency not in program.rates:
        return whole
    multiplier, rate = program.tiers[program.ranks[why.tier]].multiplier, program.rates[currency]
    earn = program.earn
    if Fraction(earn.points, earn.per) * Fraction(multiplier) * Fraction(rate) != Fraction(award):
        return whole  # the file has been changed since
    return Step(
        "rate",
        f"{plural(earn.points)} for every {written(earn.per, program.currency)}, times {multiplier} "
        f"for {why.tier}, times {rate} for {currency}: {award} of a point for one minor unit.",
        {
            **numbers,
            "points": earn.points,
            "per": earn.per,
            "multiplier": str(multiplier),
            "currency_rate": str(rate),
        },
    )


def _campaign(case: Case, why: rules.Campaign) -> Explanation:
    number = why.number
    shown: Number = number if isinstance(number, int) else str(number).removesuffix(".0")
    said = {
        "multiplier": f"It multiplies the tier's points by {shown}; these are what that adds.",
        "bonus": f"It gives {shown} points for the purchase.",
        "points_per_line": f"It gives {shown} points for each line that matches.",
    }[why.effect]
    if why.effect == "bonus" and case.row.points < number:
        said += " A cap, a budget or a return before they were available left fewer."
    rest = {
        "best": "Of the campaigns that held, the one that gives most counts.",
        "sum": "Every campaign that held counts.",
    }[why.stacking]
    steps = (
        Step(
            "campaign",
            f"The purchase met campaign {why.campaign} ({why.name}) of {why.program}.",
            {"campaign": why.campaign, "name": why.name, "program": why.program},
        ),
        Step("effect", said, {why.effect: shown}),
        Step("stacking", rest, {"stacking": why.stacking}),
    )
    return Explanation(f"{case.size} more for order {case.row.order_id} by {why.name}", steps)


def _referrer(case: Case, why: rules.ReferrerReward) -> Explanation:
    said = "A friend, whom the member referred, made the first purchase."
    numbers: dict[str, Number] = {}
    if why.friend:  # they are not erased
        said = f"{why.friend}, whom the member referred, made the first purchase: order {why.order_id}."
        numbers = {"friend": why.friend, "order_id": why.order_id}
    numbers |= {"program": why.program, "points": case.row.points}
    return Explanation(
        f"{case.size} for bringing {why.friend or 'a friend'}", (Step("referral", said, numbers),)
    )


def _friend(case: Case, why: rules.FriendReward) -> Explanation:
    said = f"{why.referrer or 'Another member'} had referred the member, who made the first purchase."
    numbers: dict[str, Number] = {"referrer": why.referrer} if why.referrer else {}
    numbers |= {"program": why.program, "points": case.row.points}
    return Explanation(
        f"{case.size} for coming by {why.referrer or 'another member'}", (Step("referral", said, numbers),)
    )


def _anniversary(case: Case, why: rules.Anniversary) -> Explanation:
    years, points = why.years, case.row.points
    each = points // years
    said = f"{plural(each)} times {years}, the years since enrolment, under {why.program}."
    numbers: dict[str, Number] = {"years": years, "each": each, "points": points}
    sentence = f"{case.size} for {years} year{'s' * (years != 1)} as a member"
    return Explanation(sentence, (Step("anniversary", said, numbers),))


def _occasion(case: Case, why: rules.Birthday | rules.Welcome, said: str) -> Explanation:
    program, points = why.program, case.row.points
    detail = f"{program} gives {plural(points)} {said}."
    return Explanation(
        f"{case.size} {said}", (Step(why.rule, detail, {"program": program, "points": points}),)
    )
