"""The boards, a file each."""

from collections.abc import Sequence

from deploy.grafana.boards import desk, loyalty, outreach, platform, relationship, slo
from deploy.grafana.figures import Board


def boards() -> Sequence[Board]:
    """All of them, in the order of their names' importance to a company."""
    return (
        relationship.board(),
        loyalty.board(),
        outreach.board(),
        desk.board(),
        platform.board(),
        slo.board(),
    )
