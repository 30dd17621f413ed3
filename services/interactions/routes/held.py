"""All that the service holds of one customer."""

from services.interactions.export.held import HOLDING
from shared.http.held import held_router

router = held_router(HOLDING)
