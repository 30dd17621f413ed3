"""The models that scores go by, from the parameters that were published (``model.fitted``)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self, TypeVar

from services.metrics.domain.clv import WEEK_DAYS, BgNbd, GammaGamma, MbgNbd

BG, MBG, MONEY = "bg-nbd", "mbg-nbd", "gamma-gamma"
"""Names of models; that of money has one for each currency: ``gamma-gamma.EUR``."""

CDNOW = BgNbd(r=0.243, alpha=4.414, a=0.793, b=2.426)
"""Fader, Hardie and Lee 2005."""
CDNOW_ONCE = MbgNbd(r=0.525, alpha=6.183, a=0.891, b=1.614)
"""Batislam, Denizel and Filiztekin 2007."""

M = TypeVar("M", BgNbd, MbgNbd, GammaGamma)


def weeks(days: float) -> float:
    """The models' unit of time, as the papers have it."""
    return days / WEEK_DAYS


def money_model(currency: str) -> str:
    """The name of a currency's model."""
    return f"{MONEY}.{currency}"


@dataclass(frozen=True, slots=True)
class Models:
    """Times in weeks, money in minor units. Until a company's own are fitted, customers are taken to buy as
    those of CDNOW did, a shop for music, and of money nothing is said."""

    again: BgNbd = CDNOW
    """Of customers who bought again."""
    once: MbgNbd = CDNOW_ONCE
    """Of those who bought once."""
    money: Mapping[str, GammaGamma] = field(default_factory=dict)
    """By currency."""

    @classmethod
    def of(cls, parameters: Mapping[str, Mapping[str, float]]) -> Self:
        """From parameters by model; what is missing, or is not valid, is as it is without."""
        money = {
            name.removeprefix(f"{MONEY}."): model
            for name in parameters
            if name.startswith(f"{MONEY}.") and (model := _made(GammaGamma, parameters[name]))
        }
        default = cls()
        return cls(
            again=_made(BgNbd, parameters.get(BG)) or default.again,
            once=_made(MbgNbd, parameters.get(MBG)) or default.once,
            money=money,
        )

    def buying(self, repeats: int) -> BgNbd:
        """The model of a customer with so many repeat purchases."""
        return self.again if repeats else self.once


def fitted(name: str, parameters: Mapping[str, float]) -> BgNbd | None:
    """A model of who still buys, by its parameters; None where they are not valid."""
    return _made(MbgNbd if name == MBG else BgNbd, parameters)


def _made(kind: type[M], parameters: Mapping[str, float] | None) -> M | None:
    try:
        return None if parameters is None else kind(**parameters)
    except (TypeError, ValueError):
        return None
