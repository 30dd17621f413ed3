"""Who is whom by now, as rows: what the APIs of a service ask."""

from shared.domain import Collection, Put

MERGED = Collection("merged", owner="_id", personal=(), also=("into",))
"""{_id: the old id, into: the survivor, or null once the merge is undone}"""


def merged_row(customer: str, into: str | None) -> Put:
    """That a customer is another one, or themselves again."""
    return Put(MERGED.name, {"_id": customer, "into": into})
