"""What logs and dead letters say of an error has nothing of what was sent."""

import json
import logging
from collections.abc import Mapping
from typing import Any

import pytest
import structlog
from pydantic import ValidationError
from pymongo.errors import BulkWriteError, DuplicateKeyError, ServerSelectionTimeoutError

from shared.runtime.settings import Settings
from shared.runtime.telemetry import configure_logging
from shared.runtime.words import status, without_addresses, words
from shared.schemas.base import Frozen

SECRET = "zoë@example.com"


class Person(Frozen):
    age: int
    friends: Mapping[str, int] = {}


def raised(error: Exception) -> Exception:
    try:
        raise error
    except Exception as caught:  # whichever it is
        return caught


def validation(**told: Any) -> ValidationError:
    with pytest.raises(ValidationError) as caught:
        Person.model_validate(told)
    return caught.value


BULK = {"writeErrors": [{"code": 11000, "op": {"email": SECRET}}], "code": 65, "codeName": "MultipleErrors"}


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (ValueError(SECRET), "ValueError at tests/unit/runtime/test_words.py:"),
        (KeyError(SECRET), "KeyError at tests/unit/runtime/test_words.py:"),
        (DuplicateKeyError(f"dup key: {SECRET}", 11000), "DuplicateKeyError: code 11000"),
        (BulkWriteError(BULK), "BulkWriteError: code 65 MultipleErrors"),
        (ServerSelectionTimeoutError("db:27017: timed out"), "db:27017: timed out"),
        (ConnectionRefusedError(111, "refused"), "refused"),
        (validation(age=SECRET), "ValidationError: age: int_parsing"),
        (validation(age=1, friends={SECRET: "x"}), "ValidationError: friends.…: int_parsing"),
        (OSError(f"450 no room for <{SECRET}>"), "450 no room for <…@…>"),
    ],
)
def test_an_error_is_told_without_its_input(error: Exception, says: str) -> None:
    said = words(raised(error))
    assert says in said
    assert SECRET not in said


def test_what_a_mail_server_says_is_told_without_addresses() -> None:
    assert without_addresses(f"550 <{SECRET}> is nobody's") == "550 <…@…> is nobody's"


def test_what_a_mail_server_answers_is_told_by_its_status() -> None:
    assert status("450 4.2.1 Zoë has moved to 12 Mark Street") == "450 4.2.1"
    assert status("451-Zoë rests") == "451"
    assert status("not connected") == "not connected"
    assert status("HTTP 503") == "HTTP 503"


def test_a_traceback_in_the_log_names_lines_and_no_input(capsys: pytest.CaptureFixture[str]) -> None:
    """By structlog, by the standard library, and with an error for an argument."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        configure_logging(Settings(kafka="k:1", mongo="mongodb://h", secret_key="0" * 16), "tally")
        try:
            try:
                raise KeyError(SECRET)
            except KeyError as first:
                raise ValueError(f"{SECRET} again") from first
        except ValueError as error:
            structlog.get_logger("a").exception("broken", why=error)
            logging.getLogger("httpx").info("HTTP Request: GET /customers?alias=%s", SECRET)
            logging.getLogger("mail.log").warning("unrecognised: %s", SECRET)
            logging.getLogger("b").exception("broken: %s", error)
    finally:
        root.handlers[:], root.level = handlers, level
        structlog.reset_defaults()
    lines: list[dict[str, Any]] = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(lines) == 2
    for line in lines:
        assert SECRET not in json.dumps(line, ensure_ascii=False)
        assert "KeyError at tests/unit" in line["exception"]
        assert "ValueError at tests/unit" in line["exception"]
