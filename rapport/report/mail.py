"""A report as a letter: what moved and the figures in its text, the file with the charts beside it, as mail
programs show no charts. It goes by the mail server of followup's channel, with its signature."""

import smtplib
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, formataddr, make_msgid
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from pydantic import ValidationError

from rapport.trouble import TroubleError
from services.followup.channels.dkim import Dkim
from services.followup.channels.email import EmailSettings
from shared.runtime.refusal import certificate_refusal
from shared.runtime.settings import explain

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Letter:
    """What is mailed."""

    subject: str
    text: str
    html: str
    name: str
    """Of the file."""
    content: bytes


def letter(said: Mapping[str, Any], file: Path) -> Letter:
    """``said``: the report as data (``GET /report``)."""
    return Letter(
        subject=f"How customers are doing: {said['days']}",
        text=_template("mail.txt").render(said=said),
        html=_template("mail.html").render(said=said),
        name=file.name,
        content=file.read_bytes(),
    )


def send(env: Mapping[str, str], found: Letter, sender: tuple[str, str], to: Sequence[str]) -> None:
    """Hand it over. Raises TroubleError."""
    settings = settings_of(env)
    raw = written(found, sender, to, datetime.now(UTC))
    signs = Dkim.load(settings.dkim_domain, settings.dkim_selector, settings.dkim_key_file)
    try:
        with connected(settings) as server:
            if settings.smtp_username and settings.smtp_password:
                server.login(settings.smtp_username, settings.smtp_password.get_secret_value())
            server.sendmail(sender[1], list(to), signs.sign(raw) if signs else raw)
    except (smtplib.SMTPException, OSError, ValueError) as error:
        where = f"{settings.smtp_host} port {settings.smtp_port}"
        if (refusal := certificate_refusal("smtp", str(error), where, "RAPPORT_SMTP")) is not None:
            raise TroubleError(refusal.sentence) from None
        raise TroubleError(f"The mail server at {where} did not take the report: {error}.") from None


def written(found: Letter, sender: tuple[str, str], to: Sequence[str], at: datetime) -> bytes:
    """The mail, its lines ended by CR LF. Raises TroubleError for what is no address."""
    mail = EmailMessage(policy=SMTP)
    try:
        mail["From"] = formataddr(sender)
        mail["To"] = ", ".join(to)
        mail["Subject"] = found.subject
        mail["Date"] = format_datetime(at)
        mail["Message-ID"] = make_msgid(domain=sender[1].rpartition("@")[2])
    except (ValueError, IndexError, UnicodeError) as error:
        raise TroubleError(f"{sender[1]} or {', '.join(to)} is no address: {error}.") from None
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(found.text, cte="quoted-printable")
    mail.add_alternative(found.html, subtype="html", cte="quoted-printable")
    charset = {"charset": "utf-8"}
    mail.add_attachment(found.content, maintype="text", subtype="html", filename=found.name, params=charset)
    return mail.as_bytes()


def settings_of(env: Mapping[str, str]) -> EmailSettings:
    """Of the e-mail channel. Raises TroubleError."""
    given: dict[str, Any] = {
        name: env[variable]
        for name in EmailSettings.model_fields
        if (variable := f"RAPPORT_{name.upper()}") in env
    }
    try:
        return EmailSettings(**given)
    except ValidationError as error:
        raise TroubleError(explain(EmailSettings, error)) from None


def connected(settings: EmailSettings) -> smtplib.SMTP:
    """A server that is greeted, by TLS as the settings have it. Raises smtplib's and system errors."""
    where = settings.smtp_host, settings.smtp_port
    context = ssl.create_default_context(cafile=None if settings.smtp_ca is None else str(settings.smtp_ca))
    if settings.smtp_tls:
        return smtplib.SMTP_SSL(*where, timeout=settings.smtp_timeout, context=context)
    server = smtplib.SMTP(*where, timeout=settings.smtp_timeout)
    try:
        server.ehlo()
        wanted = settings.smtp_starttls
        if wanted is None:
            wanted = settings.smtp_username is not None or server.has_extn("starttls")
        if wanted:
            server.starttls(context=context)
            server.ehlo()
    except BaseException:
        server.close()
        raise
    return server


@cache
def _template(name: str) -> Template:
    # Escaped where it is HTML.
    files = Environment(  # nosec B701
        loader=FileSystemLoader(HERE),
        autoescape=name.endswith(".html"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return files.get_template(name)
