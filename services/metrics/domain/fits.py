"""The parameters of models, as they were fitted from time to time: scores of a time go by those of then."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from shared.schemas.times import Micros

Parameters: TypeAlias = Mapping[str, Mapping[str, float]]
"""Model -> its parameters by name."""


@dataclass(frozen=True, slots=True)
class Fit:
    """One model, fitted."""

    model: str
    at: Micros
    parameters: Mapping[str, float]


class Fits:
    """All there were. Of two of one model and time one is kept."""

    def __init__(self, fits: Iterable[Fit] = ()) -> None:
        known: dict[str, Mapping[str, float]] = {}
        self._times: list[Micros] = []
        self._known: list[Parameters] = [{}]
        for fit in sorted(fits, key=lambda fit: (fit.at, fit.model)):
            known = {**known, fit.model: fit.parameters}
            if self._times and self._times[-1] == fit.at:
                self._known[-1] = known
            else:
                self._times.append(fit.at)
                self._known.append(known)

    def at(self, at: Micros) -> Parameters:
        """Of each model those that were fitted last, up to then: the same object as long as they hold."""
        return self._known[bisect_right(self._times, at)]

    def each(self, model: str) -> Iterator[tuple[Micros, Mapping[str, float]]]:
        """The parameters of one model, and since when they hold, in order of time."""
        before: Mapping[str, float] | None = None
        for at, known in zip(self._times, self._known[1:], strict=True):
            parameters = known.get(model)
            if parameters is not None and parameters is not before:
                yield at, parameters
            before = parameters
