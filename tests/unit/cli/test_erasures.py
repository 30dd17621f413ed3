"""The file of ``rapport erasures``: what goes in comes out, and what is not right is named."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from rapport.commands import erasures
from rapport.erasures.file import Tombstones, parse
from rapport.erasures.key import erased_by, keep_key
from rapport.erasures.stores import Databases
from rapport.trouble import TroubleError
from shared.facts.erased import ERASED_IDS, ERASURE, KEYS, erased_hash, erasure_key, key_fingerprint
from shared.runtime.settings import Settings
from shared.schemas.services import SERVICES
from tests.keys_kept import Kept

KEY, OTHER = b"k" * 16, b"o" * 16
ANN, BOB = erased_hash(KEY, "ann"), erased_hash(KEY, "bob")
AT = datetime(2026, 11, 27, 5, tzinfo=UTC)
NOBODY = dict.fromkeys(SERVICES, frozenset[str]())
KEPT = Tombstones(key_fingerprint(KEY), NOBODY | {"loyalty": frozenset({ANN, BOB})})


def told(**changed: Any) -> str:
    return json.dumps(json.loads(KEPT.text(AT)) | changed)


def lists(told: Any) -> dict[str, Any]:
    return dict.fromkeys(SERVICES, told)


def test_what_is_exported_is_what_is_imported() -> None:
    text = KEPT.text(AT)
    assert parse(text, KEY) == KEPT
    document = json.loads(text)
    assert document["format"] == "rapport.erasures.v1"
    assert document["exported"] == "2026-11-27T05:00:00Z"
    assert document["erased"] == {**lists([]), "loyalty": sorted([ANN, BOB])}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "not JSON"),
        ("[]", "^format: "),
        (told(format="rapport.erasures.v2"), "^format: "),
        (told(key=key_fingerprint(OTHER)), "^key: .*another erasure key.*RAPPORT_ERASURE_KEY"),
        (told(key=None), "^key: "),
        (told(erased={"loyalty": []}), "^erased: .*interactions"),
        (told(erased={**lists([]), "loyalty": "x"}), "^erased.loyalty: "),
        (told(erased=lists([ANN, "Ann"])), r"^erased.interactions\[1\]: "),
        (told(erased=lists([7])), r"^erased.interactions\[0\]: "),
    ],
)
def test_a_file_that_is_not_right_is_refused_by_a_sentence(text: str, said: str) -> None:
    with pytest.raises(TroubleError, match=said):
        parse(text, KEY)


def test_the_fingerprint_tells_nothing_of_the_key() -> None:
    assert key_fingerprint(KEY) not in {key_fingerprint(OTHER), erased_hash(KEY, ""), KEY.hex()}
    assert len(key_fingerprint(KEY)) == 32


@pytest.mark.parametrize(
    "told",
    [
        {"secret_key": "s" * 20},
        {"secret_keys": "n" * 20 + "," + "s" * 20},
        {"secret_key": "s" * 20, "erasure_key": "e" * 20},
        {"secret_keys": "n" * 20, "secret_key": "s" * 20},
    ],
)
def test_the_key_is_the_services_own(told: dict[str, str]) -> None:
    known = {f"RAPPORT_{name.upper()}": value for name, value in told.items()}
    settings = Settings(kafka="unused:1", mongo="mongodb://unused", **told)  # type: ignore[arg-type]  # as text
    assert erased_by(known, {}) == settings.erased_by


def test_without_a_key_it_is_said_which_to_set() -> None:
    with pytest.raises(TroubleError, match="RAPPORT_ERASURE_KEY"):
        erased_by({}, {})
    assert erased_by({"RAPPORT_SECRET_KEY": "s" * 20}, {}) == erasure_key(b"s" * 20)


def test_a_ring_alone_tells_it_by_its_last() -> None:
    assert erased_by({"RAPPORT_SECRET_KEYS": f"{'n' * 20},{'s' * 20}"}, {}) == erasure_key(b"s" * 20)
    known = {"RAPPORT_SECRET_KEY": "s" * 20}
    assert erased_by(known, {"RAPPORT_ERASURE_KEY": "e" * 20}) == b"e" * 20, "the environment's goes first"


class Four(Databases):
    """The databases, in memory; ``key`` is the one that is set here."""

    def __init__(self, key: bytes, kept: dict[str, Kept]) -> None:
        self._key, self._kept = key, kept

    def _of(self, service: str) -> Any:
        return self._kept[service]


def test_under_another_key_than_the_databases_nothing_goes_out_or_in() -> None:
    kept = {service: Kept(f"rapport_{service}") for service in SERVICES}
    keep_key(kept["loyalty"], KEY)  # type: ignore[arg-type]  # as far as it is needed
    kept["loyalty"][ERASED_IDS].documents[ANN] = {"_id": ANN}
    theirs = Four(OTHER, kept)
    with pytest.raises(TroubleError, match=r"rapport_loyalty.*RAPPORT_ERASURE_KEY"):
        theirs.export()
    with pytest.raises(TroubleError, match=r"rapport_loyalty.*RAPPORT_ERASURE_KEY"):
        theirs.take(Tombstones(key_fingerprint(OTHER), NOBODY), AT, lambda *_: None)
    assert KEYS not in kept["interactions"].rows or not kept["interactions"][KEYS].documents


def test_an_import_leaves_the_key_in_each_database() -> None:
    kept = {service: Kept(f"rapport_{service}") for service in SERVICES}
    Four(KEY, kept).take(Tombstones(key_fingerprint(KEY), NOBODY), AT, lambda *_: None)
    assert {one[KEYS].documents[ERASURE]["fingerprint"] for one in kept.values()} == {key_fingerprint(KEY)}


def test_another_key_is_refused_before_any_database_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "erased.json"
    file.write_text(KEPT.text(AT))
    monkeypatch.setattr(erasures, "Databases", None)
    env = {"RAPPORT_MONGO": "mongodb://x", "RAPPORT_ERASURE_KEY": "o" * 16}
    run = CliRunner().invoke(erasures.app, ["import", str(file)], env=env)
    assert isinstance(run.exception, TroubleError)
    assert "another erasure key" in str(run.exception)
    run = CliRunner().invoke(erasures.app, ["import", str(tmp_path / "none")], env=env)
    assert isinstance(run.exception, TroubleError)
    assert "Cannot read" in str(run.exception)
