"""What products are as subjects: the key and the state of one."""

import re
from hashlib import blake2b

from shared.schemas.base import ID_PATTERN

PRODUCT = "product"
"""What the subject of a product's commands is, and how the ids of products' states begin."""
_is_id = re.compile(ID_PATTERN).fullmatch


def product_key(sku: str) -> str:
    """The record key of a product: its SKU, or where that can be no key, a hash of it (32 hex digits)."""
    return sku if _is_id(sku) else blake2b(sku.encode(), digest_size=16).hexdigest()


def product_state(key: str) -> str:
    """The id of a product's state, so that it has the one writer of its key."""
    return f"{PRODUCT}/{key}"
