"""What the metrics tell of the relationship: the later word by event time holds, whatever is heard first."""

from services.followup.domain.history.state import Health
from shared.schemas.insights import ChurnWarned, HealthChanged
from shared.schemas.times import Micros


def told(known: Health | None, data: HealthChanged | ChurnWarned, at: Micros) -> Health:
    """With one more word; ``known`` itself where all of it is older."""
    before = known or Health()
    new: dict[str, object] = {}
    if isinstance(data, HealthChanged):
        probability = data.churn_probability
        if _later(at, before.at):
            clv = None if data.clv is None else (data.clv.amount, data.clv.currency)
            new |= {"at": at, "score": data.score, "clv": clv}
    else:
        probability = data.probability
        if _later(at, before.warned_at):
            new["warned_at"] = at
    if _later(at, before.churn_at):
        new |= {"churn_at": at, "churn_probability": probability}
    return before.model_copy(update=new) if new else before


def _later(at: Micros, known: Micros | None) -> bool:
    return known is None or at >= known
