"""What a store says of itself is waited for; only what it says of a document sets an event aside."""

import pytest
from bson.errors import InvalidDocument
from pymongo.errors import BulkWriteError, DocumentTooLarge, OperationFailure, WriteError

from shared.worker import retry as retry_module
from shared.worker.retry import about_document, passes
from tests.unit.journal.driver import messages_of, processor, run
from tests.unit.journal.memory import HANDLER, Fault, MemoryPublisher, MemoryStore

OF_THE_STORE = [13, 18, 20, 50, 91, 112, 211, 251, 371, 8000, 11600, 11601, 262, 14031, 4_711]
OF_A_DOCUMENT = [
    InvalidDocument("cannot encode object"),
    DocumentTooLarge("BSON document too large"),
    OverflowError("MongoDB can only handle up to 8-byte ints"),
    UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates not allowed"),
    WriteError("too large", 10334),
    WriteError("too large after an update", 17419),
    WriteError("validation", 121),
    OperationFailure("bad field name", 52),
    BulkWriteError({"writeErrors": [{"code": 17280, "errmsg": "key too long"}]}),
]


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry_module, "FIRST_SECONDS", 0.0)


@pytest.mark.parametrize("code", OF_THE_STORE)
async def test_no_good_event_is_set_aside_for_the_stores_trouble(code: int) -> None:
    store, publisher = MemoryStore(HANDLER), MemoryPublisher()
    error = OperationFailure("not about the event", code)
    assert passes(error)
    store.faults = iter([Fault(error), Fault(error), None])
    await run(processor(store, publisher), messages_of([(n % 3, 1, 1) for n in range(50)]), 10)
    assert [r for r in publisher.records if r.topic.endswith(".dlq")] == []
    assert sum(state.total for state, _ in store.states.values()) == 50


@pytest.mark.parametrize("error", OF_A_DOCUMENT, ids=lambda e: f"{type(e).__name__} {getattr(e, 'code', '')}")
async def test_an_error_about_a_document_sets_its_event_aside_alone(error: Exception) -> None:
    assert about_document(error)
    store, publisher = MemoryStore(HANDLER), MemoryPublisher()
    store.indigestible = {"/till e3 c1": error}
    await run(processor(store, publisher), messages_of([(n % 2, 1, 1) for n in range(7)]), 10)
    dead_letters = [dict(r.headers) for r in publisher.records if r.topic.endswith(".dlq")]
    assert [h["rapport-origin"] for h in dead_letters] == [b"purchases/0/3"]
    assert sum(state.total for state, _ in store.states.values()) == 6
    assert store.proofs == 1, "the store took something else"


async def test_a_store_that_refuses_even_a_write_of_nothing_is_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whatever the code says: fifty of fifty good events must not be dead letters."""
    store, publisher = MemoryStore(HANDLER), MemoryPublisher()
    store.refusal = WriteError("validation", 121)
    prove = store.prove

    async def mended_later(partition: int, epoch: int) -> None:
        try:
            await prove(partition, epoch)
        finally:
            if store.proofs == 3:
                store.refusal = None

    monkeypatch.setattr(store, "prove", mended_later)
    await run(processor(store, publisher), messages_of([(n % 3, 1, 1) for n in range(50)]), 50)
    assert [r for r in publisher.records if r.topic.endswith(".dlq")] == []
    assert sum(state.total for state, _ in store.states.values()) == 50


def test_a_transient_error_is_never_about_a_document() -> None:
    conflict = OperationFailure("conflict", 121, {"errorLabels": ["TransientTransactionError"]})
    assert passes(conflict)
    assert passes(OSError("network"))
    assert not passes(KeyError("a bug of ours"))
