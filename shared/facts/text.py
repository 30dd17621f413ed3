"""Text as people and shops write it, made comparable."""


def voucher_code(text: str) -> str:
    """A voucher's or coupon's code: the same in lower case and with spaces around."""
    return text.strip().upper()
