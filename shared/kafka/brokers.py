"""Where the brokers are and how they are spoken to, in the words of each client there is."""

import asyncio
import re
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from shared.kafka.tokens import TokenEndpoint, Tokens
from shared.runtime.transport import KafkaSettings, Mechanism, Security

PORT = 9092
_SERVER = re.compile(r"(?:\[(?P<v6>[^]]+)\]|(?P<name>[^:]+))(?::(?P<port>\d+))?")


@dataclass(frozen=True, slots=True)
class Brokers:
    """``Brokers("host:port")`` is spoken to in the clear, as those of `rapport up` are."""

    servers: str
    security: Security = "plaintext"
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    mechanism: Mechanism | None = None
    username: str | None = None
    password: SecretStr = field(default=SecretStr(""), repr=False)
    oauth: TokenEndpoint | None = None

    @classmethod
    def of(cls, settings: KafkaSettings) -> "Brokers":
        oauth = None
        if settings.kafka_oauth_url and settings.kafka_oauth_client_id and settings.kafka_oauth_client_secret:
            oauth = TokenEndpoint(
                settings.kafka_oauth_url,
                settings.kafka_oauth_client_id,
                settings.kafka_oauth_client_secret,
                settings.kafka_oauth_scope,
                settings.kafka_oauth_ca,
            )
        return cls(
            settings.kafka,
            settings.kafka_security,
            settings.kafka_ca,
            settings.kafka_certificate,
            settings.kafka_key,
            settings.kafka_sasl_mechanism,
            settings.kafka_username,
            settings.kafka_password or SecretStr(""),
            oauth,
        )

    @property
    def tls(self) -> bool:
        return self.security.endswith("ssl")

    @property
    def hosts(self) -> list[tuple[str, int]]:
        """Each bootstrap server's name and port."""
        found = [_SERVER.fullmatch(server) for server in self.servers.split(",")]
        return [(one["v6"] or one["name"], int(one["port"] or PORT)) for one in found if one is not None]

    def librdkafka(self) -> dict[str, Any]:
        """For confluent-kafka, whose tokens librdkafka fetches by itself, before they expire."""
        options: dict[str, Any] = {"bootstrap.servers": self.servers, "security.protocol": self.security}
        if self.tls:
            options |= _given(
                {
                    "ssl.ca.location": self.ca,
                    "ssl.certificate.location": self.certificate,
                    "ssl.key.location": self.key or self.certificate,
                }
            )
            options["ssl.endpoint.identification.algorithm"] = "https"
        if self.mechanism is not None:
            options["sasl.mechanism"] = self.mechanism
        if self.username is not None:
            options["sasl.username"] = self.username
            options["sasl.password"] = self.password.get_secret_value()
        if self.oauth is not None:
            options |= {
                "sasl.oauthbearer.method": "oidc",
                "sasl.oauthbearer.token.endpoint.url": self.oauth.url,
                "sasl.oauthbearer.client.id": self.oauth.client_id,
                "sasl.oauthbearer.client.secret": self.oauth.secret.get_secret_value(),
                **_given(
                    {
                        "sasl.oauthbearer.scope": self.oauth.scope,
                        # Its libcurl was built for another system, and looks elsewhere for its authorities.
                        "https.ca.location": self.oauth.ca or ssl.get_default_verify_paths().cafile,
                    }
                ),
            }
        return options

    def kafka_python(self) -> dict[str, Any]:
        """For kafka-python's admin client, consumer and producer."""
        options: dict[str, Any] = {
            "bootstrap_servers": self.servers.split(","),
            "security_protocol": self.security.upper(),
            **self._signing_in(),
        }
        if self.tls:
            options |= _given(
                {"ssl_cafile": self.ca, "ssl_certfile": self.certificate, "ssl_keyfile": self.key}
            )
        if self.oauth is not None:
            from kafka.net.sasl.oauth import AbstractTokenProvider

            tokens = Tokens(self.oauth)
            provider = type("Provider", (AbstractTokenProvider,), {"token": lambda _: tokens.token()})
            options["sasl_oauth_token_provider"] = provider()
        return options

    def aiokafka(self) -> dict[str, Any]:
        """For aiokafka's producer and consumer."""
        options: dict[str, Any] = {
            "bootstrap_servers": self.servers,
            "security_protocol": self.security.upper(),
            **self._signing_in(),
        }
        if self.tls:
            context = ssl.create_default_context(cafile=None if self.ca is None else str(self.ca))
            if self.certificate is not None:
                context.load_cert_chain(self.certificate, self.key)
            options["ssl_context"] = context
        if self.oauth is not None:
            from aiokafka.abc import AbstractTokenProvider

            tokens = Tokens(self.oauth)

            async def token(_: object) -> str:
                return await asyncio.to_thread(tokens.token)

            options["sasl_oauth_token_provider"] = type(
                "Provider", (AbstractTokenProvider,), {"token": token}
            )()
        return options

    def _signing_in(self) -> dict[str, Any]:
        """As both of the clients in Python call it."""
        if self.mechanism is None:
            return {}
        options: dict[str, Any] = {"sasl_mechanism": self.mechanism}
        if self.username is not None:
            options["sasl_plain_username"] = self.username
            options["sasl_plain_password"] = self.password.get_secret_value()
        return options


def _given(options: dict[str, Any]) -> dict[str, Any]:
    return {name: str(value) for name, value in options.items() if value is not None}
