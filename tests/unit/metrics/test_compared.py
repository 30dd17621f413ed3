"""A KPI of each channel, or segment, side by side: what each says when it is asked for alone."""

import pytest
from starlette.testclient import TestClient

from .test_api import HEADERS, get
from .test_api import api as served

api = served


def test_channels_side_by_side(api: TestClient) -> None:
    found = get(api, "/kpis/open_complaints/by/channel", window="7d")
    assert [(item["of"], item["value"]) for item in found["items"]] == [("chat", 1)]
    whole = get(api, "/kpis/repeat_purchase_rate/by/channel", window="30d")
    assert (whole["by"], whole["window"], whole["cursor"]) == ("channel", "30d", None)
    for item in whole["items"]:
        alone = get(api, "/kpis", window="30d", channel=item["of"])
        assert item["value"] == alone["repeat_purchase_rate"]
        assert item["n"] == alone["basis"]["repeat_purchase_rate"]["n"]
    segments = {one["of"]: one for one in get(api, "/kpis/nps/by/segment", window="30d")["items"]}
    assert segments["gold"]["n"] == 3
    assert segments["gold"]["low"] < segments["gold"]["value"] < segments["gold"]["high"]
    assert get(api, "/kpis/nps/by/team")["items"] == []


@pytest.mark.parametrize(("name", "window"), [("churn", "5d"), ("retention", "6d"), ("churn_reasons", "5d")])
@pytest.mark.parametrize("dimension", ["channel", "segment", "tier"])
def test_who_stays_and_leaves_side_by_side(api: TestClient, name: str, window: str, dimension: str) -> None:
    """What looks back to days before the window."""
    found = get(api, f"/kpis/{name}/by/{dimension}", window=window)["items"]
    assert found or name == "churn_reasons"
    for item in found:
        alone = get(api, "/kpis", window=window, **{dimension: item["of"]})
        assert (item["value"], item["n"]) == (alone[name], alone["basis"][name]["n"])


@pytest.mark.parametrize(("path", "status"), [("/kpis/none/by/channel", 404), ("/kpis/nps/by/customer", 422)])
def test_what_cannot_be_compared(api: TestClient, path: str, status: int) -> None:
    assert api.get(path, headers=HEADERS).status_code == status
