"""How Kafka and the store are reached: addresses, certificates, names and passwords, by ``RAPPORT_<FIELD>``.

Everything that can be known to be wrong without connecting is refused here, by a sentence.
"""

import re
import warnings
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, model_validator

from shared.runtime import pem
from shared.runtime.environment import PREFIX, Environment, TrustedUrl

Security = Literal["plaintext", "ssl", "sasl_plaintext", "sasl_ssl"]
Mechanism = Literal["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN", "OAUTHBEARER"]
_ADDRESS = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::(\d{1,5}))?")
_BESIDE = re.compile(r"//.*/.*@", re.S)
_SPLIT = re.compile(r"//.*[/?#].*@", re.S)
"""A password that ends too early: of the rest the driver makes a database or options, and quotes it."""
_NAMED = re.compile(r"^[^/?]*|[?&]replicaSet=[^&]*")
"""What names servers and their set, in what follows a user and a password."""
_ENCODE = (
    "is no URI that the driver takes: what is special in the user and the password must be percent-encoded: "
    "/ is %2F, ? is %3F, # is %23, @ is %40"
)
_QUOTES = "\"'“”‘’`"


def _unquoted(value: str) -> str:
    if value[:1] in _QUOTES or value[-1:] in _QUOTES:
        raise ValueError(
            "has quotes around it: leave them out (a shell takes them off, an env file or a YAML may not)"
        )
    return value


def _servers(value: str) -> str:
    servers = [part.strip() for part in _unquoted(value.strip()).split(",")]
    for server in servers:
        found = _ADDRESS.fullmatch(server)
        if found is None or not 0 < int(found[1] or 1) < 65_536:
            raise ValueError("must be host:port, several with commas between, with nothing before or after")
    return ",".join(servers)


def _mongo_uri(value: str) -> str:
    value = _unquoted(value.strip())
    if not value.startswith(("mongodb://", "mongodb+srv://")):
        raise ValueError("must begin with mongodb:// or mongodb+srv://")
    # A password may have them, and an option's text.
    if set(_QUOTES) & set("".join(_NAMED.findall(value.partition("://")[2].rpartition("@")[2]))):
        raise ValueError("has quotes in it: leave them out")
    if _BESIDE.search(value.partition("?")[0]):
        raise ValueError(_ENCODE)
    from pymongo import MongoClient
    from pymongo.errors import PyMongoError

    try:
        with warnings.catch_warnings():
            # What the driver would only warn of, it leaves out: a misspelt tls= would mean none.
            warnings.simplefilter("error")
            MongoClient[dict[str, Any]](value, connect=False).close()
    except FileNotFoundError as error:
        raise ValueError(f"there is no file {error.filename}") from None
    except (PyMongoError, ValueError, OSError, UserWarning, DeprecationWarning) as error:
        if _SPLIT.search(value):
            raise ValueError(_ENCODE) from None
        raise ValueError(f"is no URI that the driver takes: {str(error).rstrip('.')}") from None
    return value


def _lower(value: Any) -> Any:
    return value.strip().lower().replace("-", "_") if isinstance(value, str) else value


def _upper(value: Any) -> Any:
    return value.strip().upper().replace("_", "-") if isinstance(value, str) else value


Authorities = Annotated[Path, AfterValidator(pem.authorities)]


class KafkaSettings(Environment):
    """Where Kafka is and how it is spoken to."""

    kafka: Annotated[str, AfterValidator(_servers)] = Field(
        description="the Kafka bootstrap servers, host:port, comma-separated"
    )
    kafka_security: Annotated[Security, BeforeValidator(_lower)] = "plaintext"
    """``ssl`` is TLS; ``sasl_`` with a user or a token."""
    kafka_ca: Authorities | None = None
    """Who signs the brokers' certificates (PEM); without it those that the system trusts."""
    kafka_certificate: Path | None = None
    """This client's own, where the brokers ask for one (PEM)."""
    kafka_key: Path | None = None
    """Its key (PEM, without a password), where that is in a file of its own."""
    kafka_sasl_mechanism: Annotated[Mechanism | None, BeforeValidator(_upper)] = None
    """How this client says who it is; needs a security of `sasl_plaintext` or `sasl_ssl`."""
    kafka_username: str | None = None
    """Of SCRAM and PLAIN."""
    kafka_password: SecretStr | None = None
    """Of SCRAM and PLAIN."""
    kafka_oauth_url: TrustedUrl | None = None
    """The token endpoint, asked by client credentials (OAUTHBEARER)."""
    kafka_oauth_client_id: str | None = None
    """Whom the token endpoint knows this client as."""
    kafka_oauth_client_secret: SecretStr | None = None
    """That client's password there."""
    kafka_oauth_scope: str | None = None
    """What the token is asked for."""
    kafka_oauth_ca: Authorities | None = None
    """Who signs the token endpoint's certificate (PEM); without it those that the system trusts."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        tls, sasl = self.kafka_security.endswith("ssl"), self.kafka_security.startswith("sasl")
        self._useless(("ca", "certificate", "key"), tls, "ssl or sasl_ssl")
        token = self.kafka_sasl_mechanism == "OAUTHBEARER"
        login, oauth = ("username", "password"), ("oauth_url", "oauth_client_id", "oauth_client_secret")
        self._useless(("sasl_mechanism", *login, *oauth), sasl, "sasl_ssl")
        if sasl and self.kafka_sasl_mechanism is None:
            raise ValueError("Set RAPPORT_KAFKA_SASL_MECHANISM, such as SCRAM-SHA-512")
        missing = [name for name in (oauth if token else login) if sasl and not self._given(name)]
        if missing:
            names = " and ".join(map(_variable, missing))
            raise ValueError(
                f"Set {names}: RAPPORT_KAFKA_SASL_MECHANISM={self.kafka_sasl_mechanism} needs it"
            )
        if self.kafka_key is not None and self.kafka_certificate is None:
            raise ValueError("Set RAPPORT_KAFKA_CERTIFICATE: RAPPORT_KAFKA_KEY is a certificate's")
        if self.kafka_certificate is not None:
            _checked("RAPPORT_KAFKA_CERTIFICATE", self.kafka_certificate, self.kafka_key)
        return self

    def _given(self, name: str) -> bool:
        return getattr(self, f"kafka_{name}") is not None

    def _useless(self, names: tuple[str, ...], used: bool, instead: str) -> None:
        """Who names a certificate or a password believes that it protects."""
        given = [_variable(name) for name in names if self._given(name)]
        if given and not used:
            raise ValueError(
                f"{given[0]} is of no use with RAPPORT_KAFKA_SECURITY={self.kafka_security}: set that to "
                f"{instead}, or leave {given[0]} out"
            )


class MongoSettings(Environment):
    """Where the store is and how it is spoken to."""

    mongo: Annotated[str, AfterValidator(_mongo_uri)] = Field(description="the MongoDB URI")
    mongo_ca: Authorities | None = None
    """Who signs the servers' certificates (PEM); TLS then, whatever the URI says."""
    mongo_certificate: Path | None = None
    """This client's own and its key, both in one file (PEM); TLS then."""

    @model_validator(mode="after")
    def _shows(self) -> Self:
        if self.mongo_certificate is not None:
            _checked("RAPPORT_MONGO_CERTIFICATE", self.mongo_certificate)
        return self

    @property
    def mongo_tls(self) -> dict[str, Any]:
        """The driver's options for it, which go before those of the URI."""
        given = {"tlsCAFile": self.mongo_ca, "tlsCertificateKeyFile": self.mongo_certificate}
        files = {option: str(file) for option, file in given.items() if file is not None}
        return {"tls": True, **files} if files else {}


def _variable(name: str) -> str:
    return f"{PREFIX}KAFKA_{name.upper()}"


def _checked(variable: str, certificate: Path, key: Path | None = None) -> None:
    try:
        pem.own(certificate, key)
    except ValueError as error:
        raise ValueError(f"{variable}: {error}") from None
