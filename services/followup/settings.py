"""What followup is told by its environment, beyond the common variables. Those of a channel are with it, in
``channels/``."""

from pathlib import Path

from shared.runtime.settings import Settings


class FollowupSettings(Settings):
    """Variables ``RAPPORT_<FIELD>``."""

    templates: Path | None = None
    """A folder whose template files come before those that ship."""

    @property
    def public_url(self) -> str:
        """Where links in messages lead to, without a slash at the end."""
        return (self.followup_url or f"http://{self.host}:{self.api_port}").rstrip("/")
