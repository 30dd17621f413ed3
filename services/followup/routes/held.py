"""All that the service holds of one customer."""

from services.followup.domain.rows import COLLECTIONS
from shared.http.held import Holding, held_router, state_read
from shared.journal.store import COLLECTIONS as JOURNALS

router = held_router(Holding("followup", (*JOURNALS, *COLLECTIONS), {"state": state_read}))
