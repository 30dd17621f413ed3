"""Mail addresses as people write them, and as mail servers take them. Pure."""

import unicodedata

import idna

NO_DOMAIN = "its domain is none that mail can be sent to"
NO_UTF8 = "it has letters beyond ASCII before the @, and the mail server does not take such (SMTPUTF8)"


class AddressError(Exception):
    """No mail can be sent to the address. The text says why, of it, without a capital and a stop."""


def mailable(address: str) -> str:
    """The address with its domain in ASCII, as IDNA 2008 writes it; letters of any script may be left before
    the @ (see ``needs_utf8``). Raises ``AddressError``."""
    if address.isascii():
        return address
    local, _, domain = address.rpartition("@")
    if not domain.isascii():
        try:
            domain = idna.encode(domain, uts46=True).decode("ascii")
        except idna.IDNAError:
            raise AddressError(NO_DOMAIN) from None
    return f"{unicodedata.normalize('NFC', local)}@{domain}"


def needs_utf8(address: str) -> bool:
    """Whether a mail server must have offered SMTPUTF8 to take the address, which is ``mailable``."""
    return not address.isascii()
