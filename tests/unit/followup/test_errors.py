"""Every reason not to send is a code that a caller can be told."""

from typing import get_args

from services.followup.errors import CODES, SUPPRESSED
from shared.schemas.outreach import SuppressionReason


def test_each_reason_is_a_code_of_that_name() -> None:
    assert set(SUPPRESSED) == set(get_args(SuppressionReason))
    assert all(code.code == reason for reason, code in SUPPRESSED.items())
    assert {code.code for code in SUPPRESSED.values() if code.status != 409} == {"erased"}  # 410, for good


def test_codes_are_listed_once_and_their_sentences_are_complete() -> None:
    assert len({code.code for code in CODES}) == len(CODES)
    for code in CODES:
        assert code.sentence[0].isupper()
        assert code.sentence.endswith(".")
