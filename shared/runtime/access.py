"""Settings of who may call an API: keys, tokens, and how often."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import NoDecode

from shared.runtime.environment import AS_JSON, TrustedUrl
from shared.runtime.https import HttpsSettings
from shared.schemas.base import Strict, Time

SCOPES = frozenset(
    {
        "events:write",
        "customers:read",
        "complaints:write",
        "complaints:approve",
        "desk",
        "loyalty:redeem",
        "outreach:write",
        "metrics:read",
        "admin",
    }
)
"""What a caller may be allowed. Each is independent of the others."""
ALGORITHMS = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
)
"""Of tokens whose key an issuer publishes: none of them takes a public key for a secret."""

API_KEY_NAME = "api-key"
"""The name of ``RAPPORT_API_KEY``."""

Hash = Annotated[str, Field(pattern=r"^[0-9a-fA-F]{64}$")]
KeyName = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
Pattern = Annotated[str, Field(min_length=1, max_length=256, pattern=r"^[!-~]+$")]
"""Of sources or types; ``*`` stands for any characters."""


class NamedKey(Strict):
    """One more API key: what it hashes to and what it may do. The key itself is stored nowhere."""

    key_sha256: Annotated[tuple[Hash, ...], Field(min_length=1, max_length=2)]
    """SHA-256 of the key's UTF-8 bytes, in hex. Two while one takes the other's place: both work."""
    scopes: frozenset[str] = frozenset()
    sources: Annotated[tuple[Pattern, ...], Field(min_length=1, max_length=100)] | None = None
    """The sources of the events that it may write, such as ``/pos/17`` or ``/pos/17/*``; null: any."""
    types: Annotated[tuple[Pattern, ...], Field(min_length=1, max_length=100)] | None = None
    """The types of the events that it may write, such as ``purchase.made`` or ``purchase.*``; null: any."""
    expires_at: Time | None = None
    """From then on it is refused; null: never."""

    @field_validator("key_sha256", mode="before")
    @classmethod
    def _several(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    @field_validator("key_sha256")
    @classmethod
    def _lower(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(one.lower() for one in value)

    @field_validator("scopes")
    @classmethod
    def _known(cls, value: frozenset[str]) -> frozenset[str]:
        if unknown := value - SCOPES:
            raise ValueError(f"there is no scope {min(unknown)}: there are {', '.join(sorted(SCOPES))}")
        return value

    def expired(self, now: datetime) -> bool:
        return self.expires_at is not None and self.expires_at <= now


class AccessSettings(HttpsSettings):
    """The variables that the APIs read of their callers."""

    api_key: SecretStr | None = Field(default=None, min_length=8)
    """A key with every scope, for one's own tools."""
    api_keys: Annotated[dict[KeyName, NamedKey], NoDecode, AS_JSON] = Field(default_factory=dict)
    """More keys, as JSON: ``{"pos": {"key_sha256": "…", "scopes": ["events:write"]}}``; ``rapport keys make``
    makes them."""
    jwt_secret: SecretStr | None = Field(default=None, min_length=32)
    """Accept bearer JWTs signed with HS256 and this secret."""
    jwt_public_key: str | None = None
    """Accept bearer JWTs signed with RS256 or ES256 by the private half of this PEM key."""
    jwks_url: TrustedUrl | None = None
    """Accept bearer JWTs signed by the keys that an issuer publishes here (JWKS); needs ``jwt_issuer`` and
    ``jwt_audience``."""
    jwks_algorithms: Annotated[frozenset[str], NoDecode] = frozenset({"RS256", "ES256"})
    """The algorithms of those tokens, comma-separated."""
    jwt_audience: str | None = None
    """What a token's ``aud`` must be; unchecked without."""
    jwt_issuer: str | None = None
    """What a token's ``iss`` must be; unchecked without."""

    rate_limit: Annotated[int, Field(ge=0)] = 0
    """Requests a minute of one key or token's subject, at each replica of an API; 0: any number."""
    hsts_seconds: Annotated[int, Field(ge=0)] = 31_536_000
    """Seconds that browsers are to come by https alone, where the service's own URL is https; 0: not told."""

    @field_validator("api_keys")
    @classmethod
    def _one_caller_each(cls, value: dict[str, NamedKey]) -> dict[str, NamedKey]:
        if API_KEY_NAME in value:
            raise ValueError(f"{API_KEY_NAME} is the name of RAPPORT_API_KEY: call it otherwise")
        whose: dict[str, str] = {}
        for name, named in value.items():
            for one in named.key_sha256:
                if whose.setdefault(one, name) != name:
                    raise ValueError(f"{whose[one]} and {name} are the same key: make one for each")
        return value

    @field_validator("jwks_algorithms", mode="before")
    @classmethod
    def _names(cls, value: Any) -> Any:
        return frozenset(value.replace(",", " ").split()) if isinstance(value, str) else value

    @field_validator("jwks_algorithms")
    @classmethod
    def _asymmetric(cls, value: frozenset[str]) -> frozenset[str]:
        unknown = value - ALGORITHMS
        if unknown or not value:
            raise ValueError(f"must be some of {', '.join(sorted(ALGORITHMS))}")
        return value

    @field_validator("jwt_public_key")
    @classmethod
    def _pem(cls, value: str | None) -> str | None:
        if value is None:
            return None
        # Shells and Compose files often carry a PEM on one line with a literal \n in it.
        pem = value.replace("\\n", "\n")
        algorithm_of(pem)
        return pem

    @model_validator(mode="after")
    def _pinned(self) -> Self:
        if self.jwks_url is not None and not (self.jwt_issuer and self.jwt_audience):
            raise ValueError(
                "RAPPORT_JWKS_URL needs RAPPORT_JWT_ISSUER and RAPPORT_JWT_AUDIENCE: an issuer signs tokens "
                "for others too"
            )
        return self


def algorithm_of(pem: str) -> Literal["RS256", "ES256"]:
    """The one JWT algorithm that a public key is good for. Raises ``ValueError``."""
    # Here, since it takes long to load and few need it.
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(pem.encode())
    except Exception:  # cryptography raises of many kinds for what is no key
        raise ValueError("is not a PEM public key (-----BEGIN PUBLIC KEY-----)") from None
    if isinstance(key, rsa.RSAPublicKey) and key.key_size >= 2048:
        return "RS256"
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        return "ES256"
    raise ValueError("must be an RSA key of 2048 bits or more, or a P-256 key")
