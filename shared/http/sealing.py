"""Text that only its reader is to see: sealed by the API that takes it, opened by the API that shows it. What
lies between, the broker and the store, holds nothing that can be read.

AES-SIV: the same text for the same reader is sealed to the same characters, so that a request that is sent
again under its Idempotency-Key asks for the same thing.
"""

import base64
import binascii
import contextlib
import hashlib
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV


class UnreadableError(Exception):
    """It was sealed for somebody else, by another key, or was changed."""


class Seal:
    """Seals by a key made of the first of the installation's, for one purpose (16 characters at most), and
    opens what any of them has sealed."""

    def __init__(self, keys: Sequence[bytes], purpose: str) -> None:
        self._ciphers = [_cipher(key, purpose) for key in keys]

    def close(self, text: str, reader: str) -> str:
        """``text`` as nobody can read it; ``reader`` is whose it is."""
        sealed = self._ciphers[0].encrypt(text.encode(), [reader.encode()])
        return base64.urlsafe_b64encode(sealed).decode().rstrip("=")

    def open(self, sealed: str, reader: str) -> str:
        """The text. Raises ``UnreadableError``."""
        try:
            content = base64.urlsafe_b64decode(sealed + "=" * (-len(sealed) % 4))
        except (binascii.Error, ValueError):
            raise UnreadableError("it cannot be opened") from None
        for cipher in self._ciphers:
            with contextlib.suppress(InvalidTag, ValueError):
                return cipher.decrypt(content, [reader.encode()]).decode()
        raise UnreadableError("it cannot be opened")


def _cipher(key: bytes, purpose: str) -> AESSIV:
    secret = hashlib.sha512(key).digest()
    return AESSIV(hashlib.blake2b(digest_size=64, key=secret, person=purpose.encode()).digest())
