"""``rapport check`` on the whole platform: a purchase in, its points back, and then neither counts."""

import time

import pytest

from rapport.check import run
from rapport.client import Client
from rapport.trouble import TroubleError
from tests.stack import Stack


def test_the_check_passes_and_takes_its_points_away_again(stack: Stack) -> None:
    with Client(stack.env) as client:
        found = run(client, seconds=60)
        assert found.points > 0
        assert found.balance == found.points
        path = f"/members/{found.customer_id}"
        deadline = time.monotonic() + 30
        while (status := client.call("GET", "loyalty", path)[0]) == 200 and time.monotonic() < deadline:
            time.sleep(0.2)  # the return and the erasure are on their way
    assert status == 410


def test_a_key_that_is_none_is_named(stack: Stack) -> None:
    with (
        Client({**stack.env, "RAPPORT_API_KEY": "not-this-one"}) as client,
        pytest.raises(TroubleError, match="401"),
    ):
        run(client, seconds=1)
