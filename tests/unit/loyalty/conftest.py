"""The loyalty API over one customer's account."""

import pytest
from fastapi.testclient import TestClient

from services.loyalty.api import create_app
from services.loyalty.routes.dependencies import get_store
from services.loyalty.settings import LoyaltySettings
from shared.http.dependencies import get_clock, get_commands
from tests.unit.http.conftest import FakeDatabase

from .platform import KEY, FixedClock, Platform


@pytest.fixture
def platform() -> Platform:
    return Platform()


@pytest.fixture
def client(platform: Platform) -> TestClient:
    settings = LoyaltySettings(
        kafka="unused:1", mongo="mongodb://unused", secret_key="k" * 16, api_key=KEY["X-API-Key"]
    )
    app = create_app(settings)
    app.dependency_overrides[get_store] = lambda: platform
    app.dependency_overrides[get_commands] = lambda: platform
    app.dependency_overrides[get_clock] = lambda: FixedClock(platform)
    app.state.database = FakeDatabase()  # nobody has been erased
    # Not entered: its lifespan would connect.
    return TestClient(app, headers=KEY)
