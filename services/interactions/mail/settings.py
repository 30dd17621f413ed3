"""What the process for e-mail is told by its environment, beside what all of interactions are."""

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Self

from pydantic import Field, field_validator, model_validator
from pydantic_settings import NoDecode

from services.interactions.settings import InteractionsSettings
from shared.mail.addresses import BounceAddress, checked
from shared.runtime.settings import Port
from shared.schemas.fields import Severity

_pattern = re.compile(r"[^\s@,=;:<>]{1,64}@[^\s@,=;:<>]{1,255}").fullmatch
_own = re.compile(r"([^\s@,=;:<>]{1,64}@)?[^\s@,=;:<>]{1,255}").fullmatch


class Box(NamedTuple):
    """Addresses whose mail is a complaint, and what kind of one."""

    pattern: str
    category: str = "other"
    severity: Severity = "normal"

    def __str__(self) -> str:
        """As the variable says it."""
        return f"{self.pattern}={self.category}/{self.severity}"


_severities: dict[str, Severity] = {"low": "low", "normal": "normal", "high": "high", "critical": "critical"}


def _read_box(text: str) -> Box:
    pattern, told, rest = text.partition("=")
    category, graded, severity = rest.partition("/")
    if (
        not _pattern(pattern)
        or (told and not category)
        or len(category) > 128
        or (graded and severity not in _severities)
    ):
        raise ValueError(
            "must be address=category/severity, with commas between; category, severity may be left out"
        )
    return Box(pattern.lower(), category or "other", _severities.get(severity, "normal"))


def _listed(value: Any) -> Any:
    return (
        tuple(part for one in value.split(",") if (part := one.strip())) if isinstance(value, str) else value
    )


class MailSettings(InteractionsSettings):
    """Variables ``RAPPORT_<FIELD>``."""

    mail_host: str | None = None
    """Where to listen for mail; None: where the process's health is served, ``host``."""
    mail_port: Port = 8024
    """Where `rapport run interactions mail` listens."""
    mail_protocol: Literal["lmtp", "smtp"] = "lmtp"
    """What the mail server speaks that hands mail over."""
    mail_to: Annotated[tuple[str, ...], NoDecode] = ()
    """Whose mail is taken: addresses with ``*`` and ``?``, comma-separated; without any, all."""
    mail_complaints: Annotated[tuple[Box, ...], NoDecode] = (Box("complaints@*"),)
    """Whose mail is a complaint: ``address=category/severity``, comma-separated."""
    mail_own: Annotated[tuple[str, ...], NoDecode] = ()
    """Our own addresses and domains, comma-separated: what comes from them is no customer's."""
    mail_max_bytes: Annotated[int, Field(ge=64 * 1024, le=100 * 1024 * 1024)] = 25 * 1024 * 1024
    """The largest mail."""
    mail_connections: Annotated[int, Field(ge=1, le=500)] = 20
    """At once."""
    mail_tls_cert: Path | None = None
    """Offer STARTTLS with this certificate (PEM); its key beside."""
    mail_tls_key: Path | None = None
    """Offer STARTTLS with this certificate (PEM) and its key."""
    mail_tls_required: bool = False
    """Take mail only over TLS."""
    bounce_address: Annotated[str, Field(max_length=254)] | None = None
    """As followup has it: the envelope sender that names a message."""

    @field_validator("mail_to", mode="before")
    @classmethod
    def _to(cls, value: Any) -> Any:
        for one in (listed := _listed(value)):
            if not _pattern(one):
                raise ValueError(
                    "must be addresses, comma-separated, such as support@shop.example,*@help.example"
                )
        return listed

    @field_validator("mail_own", mode="before")
    @classmethod
    def _ours(cls, value: Any) -> Any:
        for one in (listed := _listed(value)):
            if not _own(one):
                raise ValueError("must be domains and addresses, comma-separated")
        return tuple(one.lower() for one in listed)

    @field_validator("mail_complaints", mode="before")
    @classmethod
    def _boxes(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        return tuple(map(_read_box, _listed(value)))

    @field_validator("bounce_address")
    @classmethod
    def _bounces(cls, value: str | None) -> str | None:
        return None if value is None else checked(value)

    @model_validator(mode="after")
    def _both(self) -> Self:
        if (self.mail_tls_cert is None) != (self.mail_tls_key is None):
            raise ValueError("RAPPORT_MAIL_TLS_CERT and RAPPORT_MAIL_TLS_KEY belong together")
        if self.mail_tls_required and self.mail_tls_cert is None:
            raise ValueError("RAPPORT_MAIL_TLS_REQUIRED needs RAPPORT_MAIL_TLS_CERT and RAPPORT_MAIL_TLS_KEY")
        return self

    @property
    def bounces(self) -> BounceAddress | None:
        """The envelope senders of followup's mails, where they name the message."""
        if self.bounce_address is None:
            return None
        return BounceAddress.parse(self.bounce_address, self.key_ring)

    def takes(self, address: str) -> bool:
        """Whether mail to an address is for us."""
        address = address.lower()
        return not self.mail_to or any(fnmatchcase(address, one.lower()) for one in self.mail_to)

    def box(self, addresses: Sequence[str]) -> Box | None:
        """The first complaint box that one of the addresses is of."""
        told = [_without_tag(one.lower()) for one in addresses]
        fits = (box for box in self.mail_complaints for one in told if fnmatchcase(one, box.pattern))
        return next(fits, None)

    def ours(self, address: str) -> bool:
        """Whether an address is our own, or of a domain of ours."""
        whole = address.lower()
        domain = whole.rpartition("@")[2]
        return any(own in (whole, domain) or domain.endswith(f".{own}") for own in self.mail_own)


def _without_tag(address: str) -> str:
    """Without what is between ``+`` and ``@``."""
    local, _, domain = address.rpartition("@")
    return f"{local.partition('+')[0] or local}@{domain}"
