"""What followup is told by its environment, beyond the common variables. Those of a channel are with it, in
``channels/``."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr, field_validator

from shared.mail.addresses import BounceAddress, checked
from shared.runtime.settings import Settings
from shared.runtime.webhooks import signing_keys


class FollowupSettings(Settings):
    """Variables ``RAPPORT_<FIELD>``."""

    templates: Path | None = None
    """A folder whose template files come before those that ship."""
    delivery_secret: SecretStr | None = None
    """What ``POST /hooks/delivery`` must be signed with: ``whsec_...``; several, with commas between, while
    one takes another's place. Without it that is switched off."""

    bounce_address: Annotated[str, Field(max_length=254)] | None = None
    """The envelope sender of mails, such as ``bounces+{token}@news.example``; without it the sender's own
    address."""
    bounce_maildir: Path | None = None
    """A maildir that is looked into for mail that came back."""
    bounce_lmtp: Annotated[str, Field(pattern=r"^([^\s:]+|\[[0-9a-fA-F:]+\]):\d{1,5}$")] | None = None
    """host:port to listen on for it, by LMTP."""

    outreach_book_seconds: Annotated[float, Field(gt=0, le=3600)] = 60.0
    """Seconds between two refreshes of the gauges of the book."""

    @field_validator("bounce_address")
    @classmethod
    def _bounces(cls, value: str | None) -> str | None:
        return None if value is None else checked(value)

    @field_validator("delivery_secret")
    @classmethod
    def _usable(cls, value: SecretStr | None) -> SecretStr | None:
        signing_keys(value)
        return value

    @property
    def delivery_keys(self) -> tuple[bytes, ...]:
        """What ``delivery_secret`` stands for; none where that is not set."""
        return signing_keys(self.delivery_secret)

    @property
    def bounces(self) -> BounceAddress | None:
        """The envelope senders, where they are not the sender's own address."""
        if self.bounce_address is None:
            return None
        return BounceAddress.parse(self.bounce_address, self.key_ring)

    @property
    def points_url(self) -> str:
        """Where links to loyalty's pages lead to, without a slash at the end."""
        return (self.loyalty_url or "").rstrip("/")

    @property
    def public_url(self) -> str:
        """Where links in messages lead to, without a slash at the end."""
        return (self.followup_url or f"http://{self.host}:{self.api_port}").rstrip("/")
