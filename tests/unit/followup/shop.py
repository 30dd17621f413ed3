"""Words for stories about the rules that ship."""

from typing import Any

from shared.schemas.customers import CustomerUpdated
from shared.schemas.feedback import SurveyAnswered
from shared.schemas.interactions import InteractionLogged
from shared.schemas.outreach import OutreachSuppressed
from shared.schemas.purchases import PurchaseMade

from .driver import Driver, granted, policy, purchase, reachable, rules


def ada(name: str = "retail", **told: Any) -> Driver:
    """A customer who allows everything by e-mail, and calls."""
    driver = reachable(Driver(policy=policy(rules(name))))
    driver.event(CustomerUpdated.model_validate({"phone": "+49301234567", **told}))
    for purpose, channel in (("survey", "email"), ("marketing", "phone")):
        driver.event(granted(purpose, channel=channel))
    return driver


def sent(driver: Driver, rule: str) -> list[dict[str, Any]]:
    return [message for message in driver.sent if message["rule"] == rule]


def against(driver: Driver, rule: str) -> list[str | None]:
    """Why messages of a rule did not go."""
    told = {fact.outreach_id: fact for fact in driver.facts(OutreachSuppressed)}
    return [fact.detail for fact in told.values() if fact.rule == rule]


def bought(order: str, cents: int = 1000, **changes: Any) -> PurchaseMade:
    """``categories`` of its lines, and any other field."""
    categories = changes.pop("categories", ("books",))
    items = [
        {
            "sku": f"sku-{name}",
            "category": name,
            "quantity": 1,
            "unit_price": {"amount": 1, "currency": "EUR"},
        }
        for name in categories
    ]
    return PurchaseMade.model_validate({**purchase(order, cents).model_dump(), "items": items, **changes})


def contact(kind: str, *skus: str, direction: str = "inbound") -> InteractionLogged:
    told = {"channel": "web", "direction": direction, "kind": kind, "summary": "s", "skus": skus}
    return InteractionLogged.model_validate(told)


def nps(score: int, **changes: Any) -> SurveyAnswered:
    return SurveyAnswered.model_validate({"survey": "nps", "score": score, **changes})
