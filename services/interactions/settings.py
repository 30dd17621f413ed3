"""What the interactions service is told by its environment."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import NoDecode

from services.interactions.hooks.heard import accepted_secrets
from shared.runtime.access import SCOPES
from shared.runtime.environment import AS_JSON, TrustedUrl
from shared.runtime.settings import Settings
from shared.runtime.webhooks import signing_keys


class InteractionsSettings(Settings):
    """``sla`` names the YAML file of the SLA policy, ``desk`` that of the desk; without them, those that
    ship."""

    interactions_gauge_seconds: Annotated[float, Field(gt=0, le=600)] = 15.0
    """Seconds between two refreshes of the gauges of what the desk has on its hands."""
    desk_hours: Annotated[float, Field(gt=0, le=24 * 30)] = 12
    """Hours after which one signs in to the desk again."""
    shopify_secret: SecretStr | None = None
    """What Shopify signs its webhooks to ``POST /hooks/shopify`` with, 8 characters or more; several, with
    commas between, while one takes another's place. Without it that is switched off."""
    woocommerce_secret: SecretStr | None = None
    """What WooCommerce signs its webhooks to ``POST /hooks/woocommerce`` with, in the same way."""
    chat_secret: SecretStr | None = None
    """What a chat signs its webhooks to ``POST /hooks/chat`` with: ``whsec_...``; several, with commas
    between, while one takes another's place. Without it that is switched off."""
    chat_map: Path | None = None
    """The mapping (YAML) of the chat's webhooks; without it the one that ships."""
    hooks: Path | None = None
    """A folder of mappings: ``crm.yaml`` is what ``POST /hooks/crm`` takes."""
    hook_secrets: Annotated[dict[str, SecretStr], NoDecode, AS_JSON] = Field(default_factory=dict)
    """What each of them is signed with, as JSON: ``{"crm": "whsec_..."}``."""
    export_api_key: SecretStr | None = None
    """The key, with scope ``admin`` of every service, that the other services are asked with for an export;
    without it ``RAPPORT_API_KEY``."""
    oidc_issuer: TrustedUrl | None = None
    """The OpenID provider that people sign in to the desk with: ``https://login.example.com/realms/shop``."""
    oidc_client_id: str | None = None
    """Whom the OpenID provider knows the desk as."""
    oidc_client_secret: SecretStr | None = None
    """The desk's password there."""
    oidc_groups_claim: str = "groups"
    """The claim of the ID token that lists the groups somebody is in."""
    oidc_groups: Annotated[dict[str, frozenset[str]], NoDecode, AS_JSON] = Field(default_factory=dict)
    """The scopes that groups have, as JSON: ``{"support": ["desk", "customers:read"], "*": ["desk"]}``; ``*``
    is everybody."""

    @field_validator("shopify_secret", "woocommerce_secret")
    @classmethod
    def _long_enough(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            accepted_secrets(value.get_secret_value())
        return value

    @field_validator("chat_secret")
    @classmethod
    def _usable(cls, value: SecretStr | None) -> SecretStr | None:
        signing_keys(value)
        return value

    @field_validator("hook_secrets")
    @classmethod
    def _all_usable(cls, value: dict[str, SecretStr]) -> dict[str, SecretStr]:
        for secret in value.values():
            signing_keys(secret)
        return value

    @field_validator("oidc_groups")
    @classmethod
    def _known(cls, value: dict[str, frozenset[str]]) -> dict[str, frozenset[str]]:
        unknown = set().union(*value.values()) - SCOPES
        if unknown:
            raise ValueError(f"there is no scope {min(unknown)}")
        return value

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.oidc_issuer is not None and (self.oidc_client_id is None or self.oidc_client_secret is None):
            raise ValueError(
                "RAPPORT_OIDC_ISSUER needs RAPPORT_OIDC_CLIENT_ID and RAPPORT_OIDC_CLIENT_SECRET"
            )
        return self
