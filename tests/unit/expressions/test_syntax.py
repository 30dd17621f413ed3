"""The syntax that we read is the engine's."""

import cel
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.expressions.syntax import ExpressionError, parsed
from tests.examples import examples

ATOMS = st.sampled_from(["true", "1", "0x1f", "2.5", "1e3", "'a'", '"b"', "r'c'", "x", "null"])


def _larger(parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    operators = st.sampled_from(["&&", "||", "==", "!=", "<", "<=", ">", ">=", "in", "+", "-", "*", "/", "%"])
    return st.one_of(
        st.builds("{} {} {}".format, parts, operators, parts),
        st.builds("({}) ? ({}) : {}".format, parts, parts, parts),
        st.builds("({})".format, parts),
        st.builds("[{}, {}]".format, parts, parts),
        st.builds("({}).a.b[{}]".format, parts, parts),
        st.builds("({}).exists(y, {})".format, parts, parts),
        st.builds("f({}, {})".format, parts, parts),
        st.builds("has(x.{}) && !({})".format, st.sampled_from(["a", "b"]), parts),
        st.builds("-({})".format, parts),
    )


@given(
    st.recursive(ATOMS, _larger, max_leaves=12),
    st.integers(0, 40),
    st.sampled_from(["", "x", ")", "&&", ".", "'"]),
)
@settings(max_examples=examples(500), deadline=None)
def test_our_syntax_is_the_engines(text: str, place: int, put_in: str) -> None:
    """What we read as a tree the engine takes as it is, or our check would speak of another expression."""
    text = text[:place] + put_in + text[place:]
    try:
        parsed(text)
    except ExpressionError:
        assert put_in, text
        return
    cel.compile(text)
