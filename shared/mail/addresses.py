"""Envelope senders that name the message (VERP): ``bounces+{token}@domain``, so that what comes back says of
which it is. The token is signed: nobody else can say that a message came back."""

import re
from dataclasses import dataclass

from shared.mail.macs import is_signed, mac

TOKEN = "{token}"
PURPOSE, MAC_BYTES = b"rapport envelope 1", 8
LONGEST_ID = 30
LONGEST_LOCAL = 64
"""Characters before the @ (RFC 5321)."""

_id = re.compile(rf"[a-z0-9_-]{{1,{LONGEST_ID}}}").fullmatch
_address = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@[A-Za-z0-9.-]+").fullmatch
_longest_token = "x" * (LONGEST_ID + 1 + 13)


class BounceAddressError(ValueError):
    """The setting is no address, or has no room. The text says why, without a capital and a stop."""


@dataclass(frozen=True, slots=True)
class BounceAddress:
    """The setting and the keys."""

    before: str
    after: str
    """What stands around the token; without one in the setting, ``after`` is empty."""
    keys: tuple[bytes, ...]
    """The first signs, each verifies."""

    @classmethod
    def parse(cls, setting: str, keys: tuple[bytes, ...]) -> "BounceAddress":
        """Raises ``BounceAddressError``."""
        whole = setting.replace(TOKEN, _longest_token, 1)
        if not _address(whole):
            raise BounceAddressError(f"must be one address, with {TOKEN} in it for the message")
        if len(whole.partition("@")[0]) > LONGEST_LOCAL:
            room = LONGEST_LOCAL - len(_longest_token)
            raise BounceAddressError(f"has more than {room} characters before the @, beside {TOKEN}")
        before, found, after = setting.partition(TOKEN)
        if not found:
            return cls(setting.lower(), "", keys)
        if "@" not in after:
            raise BounceAddressError(f"must have {TOKEN} before the @")
        return cls(before.lower(), after.lower(), keys)

    def of(self, outreach_id: str) -> str:
        """The address that the message is sent from. Ids that are no part of one (replies may have such) do
        not stand in it; what comes back of these is found by its mark."""
        if not self.after:
            return self.before
        if _id(outreach_id) is None:
            return self.before.rstrip("+-._=") + self.after
        return f"{self.before}{outreach_id}-{mac(self.keys[0], PURPOSE, outreach_id, MAC_BYTES)}{self.after}"

    def read(self, address: str) -> str | None:
        """The id of the message that was sent from this address; None where it was not made here. Servers may
        write it in capitals."""
        address = address.lower()
        if not self.after or not (address.startswith(self.before) and address.endswith(self.after)):
            return None
        outreach_id, _, told = address[len(self.before) : len(address) - len(self.after)].rpartition("-")
        if not _id(outreach_id):
            return None
        return outreach_id if is_signed(self.keys, PURPOSE, outreach_id, MAC_BYTES, told) else None


def checked(setting: str) -> str:
    """The setting, if it can be used. Raises ``BounceAddressError``."""
    BounceAddress.parse(setting, ())
    return setting
