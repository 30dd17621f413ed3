"""The mail server: does it take us, and how. Nothing is sent."""

import smtplib
import ssl
from datetime import UTC, datetime

from rapport.doctor import certificates
from rapport.doctor.finding import Finding
from rapport.report.mail import connected
from services.followup.channels.email import EmailSettings
from shared.runtime.refusal import certificate_refusal

OF_THIS_MACHINE = ("127.0.0.1", "localhost", "::1")


def look(settings: EmailSettings) -> list[Finding]:
    """Connects, as the sender does, and signs in."""
    where = f"{settings.smtp_host}:{settings.smtp_port}"
    try:
        with connected(settings) as server:
            if settings.smtp_username and settings.smtp_password:
                server.login(settings.smtp_username, settings.smtp_password.get_secret_value())
            return [_taken(where, settings, server), *_certificate(where, server)]
    except smtplib.SMTPAuthenticationError as error:
        said = f"it does not let {settings.smtp_username} in ({error.smtp_code})"
        return [Finding("mail", where, "bad", said, "check RAPPORT_SMTP_USERNAME and RAPPORT_SMTP_PASSWORD")]
    except smtplib.SMTPNotSupportedError as error:
        do = "it offers no STARTTLS: set RAPPORT_SMTP_TLS=true and its port, or RAPPORT_SMTP_STARTTLS=false"
        return [Finding("mail", where, "bad", str(error), do)]
    except (smtplib.SMTPException, OSError) as error:
        refusal = certificate_refusal("smtp", str(error), where, "RAPPORT_SMTP")
        said = refusal.sentence if refusal else f"no answer ({type(error).__name__}: {error})"[:300]
        do = "" if refusal else "start it, or correct RAPPORT_SMTP_HOST and RAPPORT_SMTP_PORT"
        return [Finding("mail", where, "bad", said, do)]


def _taken(where: str, settings: EmailSettings, server: smtplib.SMTP) -> Finding:
    if isinstance(server.sock, ssl.SSLSocket):
        return Finding("mail", where, "ok", "it answers, over TLS")
    if settings.smtp_host in OF_THIS_MACHINE:
        return Finding("mail", where, "ok", "it answers, in the clear, on this machine")
    do = "set RAPPORT_SMTP_TLS=true (port 465) or RAPPORT_SMTP_STARTTLS=true (port 587)"
    return Finding("mail", where, "warn", "it answers in the clear: who listens can read the mails", do)


def _certificate(where: str, server: smtplib.SMTP) -> list[Finding]:
    if not isinstance(server.sock, ssl.SSLSocket):
        return []
    return [certificates.judged(where, certificates.until(server.sock), datetime.now(UTC))]
