"""A dry run says what an import would."""

from pathlib import Path

import pytest

from rapport.importing.trial import tried

from .given import MAP, mapping, opened


@pytest.mark.parametrize(
    ("kind", "value", "why"),
    [
        ("email", "ann@home.example", None),
        ("email", "nomail", "subject: it is no e-mail address"),
        ("phone", "+49 171 1234567", None),
        ("phone", "+49 1", "subject: it is no phone number"),
        ("phone", "0171 1234567", None),
        ("card", "LC-17", None),
        ("card", "--", "subject: a card needs letters or digits, and has at most 254"),
    ],
)
def test_who_a_row_is_about_is_judged(tmp_path: Path, kind: str, value: str, why: str | None) -> None:
    text = MAP.replace("subject: row.who", f"subject: {{{kind}: row.who}}")
    rows = opened(tmp_path / "rows.csv", f"id,who,kind,took\ni-1,{value},call,1\ni-2,{value},skip,1\n")
    mapper = mapping(tmp_path, text).over(rows.kind([]))
    found = tried(mapper, rows.rows(0), None, lambda count: None)
    rows.close()
    assert (found.failed, found.left_out, found.first[0][1] == why) == (why is not None, 1, why is not None)
