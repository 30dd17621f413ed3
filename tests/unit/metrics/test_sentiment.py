"""The KPI ``sentiment``."""

import pytest

from services.metrics.domain.tracked import Tracked
from shared.schemas.event import Event
from shared.schemas.interactions import InteractionLogged

from .story import event, result, run


def contact(sentiment: float | None, direction: str = "inbound", day: float = 0.0) -> Event:
    fields = {"channel": "chat", "direction": direction, "kind": "question", "summary": "?"}
    told = {} if sentiment is None else {"sentiment": sentiment}
    return event(InteractionLogged.model_validate({**fields, **told}), days=day)


def test_it_is_the_mean_of_what_customers_said() -> None:
    found = result(run([contact(-1), contact(0.5), contact(0.25), contact(1, "outbound")])[1], "sentiment")
    assert found.n == 3
    assert found.value == pytest.approx(-0.25 / 3, abs=1e-9)
    assert found.interval is not None
    assert -1 <= found.interval[0] < -0.25 / 3 < found.interval[1] <= 1


def test_contacts_that_tell_none_leave_nothing() -> None:
    customers, delta = run([contact(None), contact(None, day=3)])
    assert result(delta, "sentiment").value is None
    assert [type(one) for one in customers.values()] == [Tracked]
    assert customers["c1"].data.counts == {}
