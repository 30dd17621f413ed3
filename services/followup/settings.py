"""What followup is told by its environment, beyond the common variables."""

from pathlib import Path

from pydantic import Field, SecretStr

from shared.runtime.settings import Settings


class FollowupSettings(Settings):
    """Variables ``RAPPORT_<FIELD>``."""

    templates: Path | None = None
    """A folder whose template files come before those that ship."""
    smtp_tls: bool = False
    """TLS from the first byte (usually port 465)."""
    smtp_starttls: bool | None = None
    """Whether to upgrade to TLS; None: if the server offers it."""
    smtp_username: str | None = None
    smtp_password: SecretStr | None = None
    smtp_timeout: float = Field(default=30.0, gt=0, le=300)
    """Seconds for the server to answer a step."""

    @property
    def public_url(self) -> str:
        """Where links in messages lead to, without a slash at the end."""
        return (self.followup_url or f"http://{self.host}:{self.api_port}").rstrip("/")
