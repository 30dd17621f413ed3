"""What an erasure deletes takes few statements, and nothing that is another's by now."""

from pymongo import DeleteMany

from shared.journal.erasing_store import TOGETHER, deletes


def test_documents_of_one_go_some_in_a_statement() -> None:
    rows = [{"_id": n, "customer": "ann" if n % 2 else "ben"} for n in range(4 * TOGETHER)]
    anns, bens = ([row["_id"] for row in rows if row["customer"] == who] for who in ("ann", "ben"))
    assert [*deletes(rows)] == [
        DeleteMany({"_id": {"$in": ids}, "customer": who})
        for who, theirs in (("ben", bens), ("ann", anns))
        for ids in (theirs[:TOGETHER], theirs[TOGETHER:])
    ]


def test_an_entry_that_names_its_customer_itself_goes_by_its_name() -> None:
    assert [*deletes([{"_id": "a"}, {"_id": "b"}])] == [DeleteMany({"_id": {"$in": ["a", "b"]}})]
