"""What survey answers count as, and the scores made of them: NPS, CSAT, CES."""

import math
from collections.abc import Mapping
from datetime import date
from typing import Literal

from services.metrics.domain.kpis.intervals import Z95, Interval, mean_interval, within
from services.metrics.domain.kpis.kpi import EventCounts, Kpi, Result
from services.metrics.domain.kpis.shares import WILSON, share, share_result
from services.metrics.domain.kpis.window import Window
from shared.schemas.feedback import SCORES, SurveyAnswered

PROMOTERS, PASSIVES, DETRACTORS = "promoters", "passives", "detractors"
CSAT_TOP, CSAT_REST = "csat_top", "csat_rest"
CES_ANSWERS, CES_SUM, CES_SQUARES = "ces_answers", "ces_sum", "ces_squares"


def answer_counts(survey: Literal["nps", "csat", "ces"], score: int) -> Mapping[str, int]:
    """The fields one answer adds to. NPS 0-10, CSAT 1-5, CES 1-7."""
    if survey == "nps":
        return {PROMOTERS if score >= 9 else PASSIVES if score >= 7 else DETRACTORS: 1}
    if survey == "csat":
        return {CSAT_TOP if score >= 4 else CSAT_REST: 1}
    return {CES_ANSWERS: 1, CES_SUM: score, CES_SQUARES: score**2}


ANSWERS = EventCounts(
    fields=(PROMOTERS, PASSIVES, DETRACTORS, CSAT_TOP, CSAT_REST, CES_ANSWERS, CES_SUM, CES_SQUARES),
    events=(SurveyAnswered,),
    count=lambda answer: answer_counts(answer.survey, answer.score),
)


def nps(promoters: int, passives: int, detractors: int) -> float | None:
    """100 x (promoters - detractors) / answers; None without answers (Reichheld 2003)."""
    n = promoters + passives + detractors
    return 100 * (promoters - detractors) / n if n > 0 else None


def nps_interval(promoters: int, passives: int, detractors: int) -> Interval | None:
    """A 95 % interval of the NPS: adjusted Wald with three pseudo-answers, 3/4 promoters and 3/4
    detractors among them, which keeps its coverage for few answers (Rocks, "Interval Estimation for
    the Net Promoter Score", The American Statistician 70(4), 2016)."""
    score = nps(promoters, passives, detractors)
    if score is None:
        return None
    n = promoters + passives + detractors + 3
    p, d = (promoters + 0.75) / n, (detractors + 0.75) / n
    half = Z95 * math.sqrt((p + d - (p - d) ** 2) / n)
    return within((100 * (p - d - half), 100 * (p - d + half)), -100.0, 100.0, about=score)


def _nps(w: Window) -> Result:
    answers = (w.total(PROMOTERS), w.total(PASSIVES), w.total(DETRACTORS))
    return Result(nps(*answers), sum(answers), nps_interval(*answers))


def _csat(w: Window) -> Result:
    return share_result(w.total(CSAT_TOP), w.total(CSAT_TOP) + w.total(CSAT_REST))


def _ces(w: Window) -> Result:
    n, total = w.total(CES_ANSWERS), w.total(CES_SUM)
    mean, interval = share(total, n), mean_interval(n, total, w.total(CES_SQUARES))
    if mean is None or interval is None:
        return Result(mean, n)
    return Result(mean, n, within(interval, *SCORES["ces"], about=mean))


_SINCE = date(2026, 11, 22)

NPS = Kpi(
    name="nps",
    title="Net promoter score",
    description="How many more customers would recommend us than would not",
    formula="Answers 9-10 less answers 0-6, of 100 answers; "
    "95 % interval: adjusted Wald with 3 pseudo-answers",
    unit="-100 to 100",
    source="Reichheld 2003; Rocks, The American Statistician 70(4), 2016",
    effective=_SINCE,
    counts=(ANSWERS,),
    compute=_nps,
)
CSAT = Kpi(
    name="csat",
    title="Customer satisfaction",
    description="How many customers who were asked are satisfied",
    formula=f"Answers 4-5 of 5 / answers; {WILSON}",
    unit="0 to 1",
    source='"top two box"',
    effective=_SINCE,
    counts=(ANSWERS,),
    compute=_csat,
)
CES = Kpi(
    name="ces",
    title="Customer effort score",
    description="How easy customers say it was",
    formula="Mean of the answers, 7 the easiest; 95 % interval: Student's t",
    unit="1 to 7",
    source="Dixon, Freeman and Toman, HBR 2010",
    effective=_SINCE,
    counts=(ANSWERS,),
    compute=_ces,
)
