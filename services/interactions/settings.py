"""What the interactions service is told by its environment."""

from typing import Annotated, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import NoDecode

from shared.runtime.access import SCOPES
from shared.runtime.environment import AS_JSON, TrustedUrl
from shared.runtime.settings import Settings


class InteractionsSettings(Settings):
    """``sla`` names the YAML file of the SLA policy, ``desk`` that of the desk; without them, those that
    ship."""

    interactions_gauge_seconds: Annotated[float, Field(gt=0, le=600)] = 15.0
    """Seconds between two refreshes of the gauges of what the desk has on its hands."""
    desk_hours: Annotated[float, Field(gt=0, le=24 * 30)] = 12
    """Hours after which one signs in to the desk again."""
    oidc_issuer: TrustedUrl | None = None
    """The OpenID provider that people sign in to the desk with: ``https://login.example.com/realms/shop``."""
    oidc_client_id: str | None = None
    oidc_client_secret: SecretStr | None = None
    oidc_groups_claim: str = "groups"
    """The claim of the ID token that lists the groups somebody is in."""
    oidc_groups: Annotated[dict[str, frozenset[str]], NoDecode, AS_JSON] = Field(default_factory=dict)
    """The scopes that groups have, as JSON: ``{"support": ["desk", "customers:read"], "*": ["desk"]}``; ``*``
    is everybody."""

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
