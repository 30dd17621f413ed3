"""How customers speak to us, where the channel tells it."""

from collections.abc import Mapping
from datetime import date

from services.metrics.domain.kpis.intervals import mean_interval, within
from services.metrics.domain.kpis.kpi import EventCounts, Kpi, Result
from services.metrics.domain.kpis.window import Window
from shared.schemas.interactions import InteractionLogged

SENTIMENTS, SENTIMENT_SUM, SENTIMENT_SQUARES = "sentiments", "sentiment_sum", "sentiment_squares"
HUNDREDTHS = 100
"""A cell is a whole number: sentiment counts in hundredths."""


def _counted(contact: InteractionLogged) -> Mapping[str, int]:
    if contact.sentiment is None or contact.direction != "inbound":
        return {}
    told = round(contact.sentiment * HUNDREDTHS)
    return {SENTIMENTS: 1, SENTIMENT_SUM: told, SENTIMENT_SQUARES: told**2}


CONTACTS = EventCounts(
    fields=(SENTIMENTS, SENTIMENT_SUM, SENTIMENT_SQUARES),
    events=(InteractionLogged,),
    count=_counted,
    signed=(SENTIMENT_SUM,),
)


def _sentiment(w: Window) -> Result:
    n, total = w.total(SENTIMENTS), w.total(SENTIMENT_SUM)
    if n <= 0:
        return Result(None, 0)
    mean, ends = total / n / HUNDREDTHS, mean_interval(n, total, w.total(SENTIMENT_SQUARES))
    if ends is None:
        return Result(mean, n)
    return Result(mean, n, within((ends[0] / HUNDREDTHS, ends[1] / HUNDREDTHS), -1.0, 1.0, about=mean))


SENTIMENT = Kpi(
    name="sentiment",
    title="Sentiment",
    description="How customers speak to us, where the channel tells it",
    formula="Mean of the sentiment of contacts that customers began or answered; 95 % interval: Student's t",
    unit="-1 (angry) to 1 (delighted)",
    effective=date(2026, 11, 26),
    counts=(CONTACTS,),
    compute=_sentiment,
)
