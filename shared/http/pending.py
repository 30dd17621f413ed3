"""What any write may answer."""

from typing import Literal

from shared.schemas.base import Frozen


class PendingAnswer(Frozen):
    """The command is in the log; its answer will be at ``location``."""

    status: Literal["pending"]
    location: str
