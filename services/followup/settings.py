"""What followup is told by its environment, beyond the common variables. Those of a channel are with it, in
``channels/``."""

from pathlib import Path

from pydantic import SecretStr, field_validator

from shared.runtime.settings import Settings
from shared.runtime.webhooks import signing_key


class FollowupSettings(Settings):
    """Variables ``RAPPORT_<FIELD>``."""

    templates: Path | None = None
    """A folder whose template files come before those that ship."""
    delivery_secret: SecretStr | None = None
    """What ``POST /hooks/delivery`` must be signed with: ``whsec_...``; several, with commas between, while
    one takes another's place. Without it that is switched off."""

    @field_validator("delivery_secret")
    @classmethod
    def _usable(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not all(map(signing_key, value.get_secret_value().split(","))):
            raise ValueError("must be whsec_ and the base64 of 24 to 64 bytes, or several of it, by commas")
        return value

    @property
    def delivery_keys(self) -> tuple[bytes, ...]:
        """What ``delivery_secret`` stands for; none where that is not set."""
        secret = self.delivery_secret
        return () if secret is None else tuple(map(signing_key, secret.get_secret_value().split(",")))

    @property
    def public_url(self) -> str:
        """Where links in messages lead to, without a slash at the end."""
        return (self.followup_url or f"http://{self.host}:{self.api_port}").rstrip("/")
