"""DKIM: a mail's signature by its sender's domain (RFC 6376), where the relay does not sign."""

from dataclasses import dataclass
from email import message_from_bytes
from pathlib import Path

import dkim

SIGNED = (
    "From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type",
    "Content-Transfer-Encoding", "In-Reply-To", "References", "Auto-Submitted", "List-Unsubscribe",
    "List-Unsubscribe-Post", "CFBL-Feedback-ID",
)  # fmt: skip
"""One-click unsubscribing asks for the two of lists (RFC 8058)."""
TOGETHER = "RAPPORT_DKIM_DOMAIN, RAPPORT_DKIM_SELECTOR and RAPPORT_DKIM_KEY_FILE go together"


class DkimError(ValueError):
    """The settings cannot be used. The text says why, without a capital and a stop."""


@dataclass(frozen=True, slots=True)
class Dkim:
    """Whose signature, and the key (PEM, RSA)."""

    domain: bytes
    selector: bytes
    key: bytes

    @classmethod
    def load(cls, domain: str | None, selector: str | None, file: Path | None) -> "Dkim | None":
        """None where nothing is set. Raises ``DkimError``."""
        if domain is None and selector is None and file is None:
            return None
        if domain is None or selector is None or file is None:
            raise DkimError(TOGETHER)
        try:
            found = cls(domain.encode("ascii"), selector.encode("ascii"), file.read_bytes())
            found.sign(b"From: a@example.org\r\n\r\n")
        except OSError as error:
            raise DkimError(f"cannot be read ({error.strerror})") from None
        except Exception:  # the package raises what it likes at what is no key
            raise DkimError("is no PEM private key for RSA, or domain or selector are no names") from None
        return found

    def sign(self, mail: bytes) -> bytes:
        """The mail, its lines ended by CR LF, with its signature before it. Takes some 20 ms."""
        there = message_from_bytes(mail.partition(b"\r\n\r\n")[0])
        headers = [name.lower().encode() for name in SIGNED if name in there]
        header: bytes = dkim.sign(
            mail,
            self.selector,
            self.domain,
            self.key,
            canonicalize=(b"relaxed", b"relaxed"),
            # Twice: nobody can add another.
            include_headers=[*headers, b"from"],
        )
        return header + mail
