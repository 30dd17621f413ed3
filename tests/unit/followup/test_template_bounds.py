"""Templates that never end, or grow without end, are stopped at the same place always; at the start with
their file and line."""

import time
from pathlib import Path

import pytest

from services.followup.domain.messages.faults import TemplateFaultError
from services.followup.domain.messages.templates import Templates
from services.followup.domain.state import Customer
from shared.runtime.config import ConfigError
from shared.schemas.outreach import OutreachFailed
from shared.templates.language import rendered, sandbox
from shared.templates.sandbox import Sandbox

from .driver import CHANNELS, HOUR, Driver, policy, purchase, reachable
from .test_rules import policy_of

REST = {"t.subject.txt": "s", "t.html": "h"}


def written(text: str, files: dict[str, str] | None = None, **variables: object) -> str:
    templates = Templates({**REST, "t.txt": text, **(files or {})})
    message = templates.render(
        "t", CHANNELS["email"], Customer(customer_id="c"), variables, sender="S", unsubscribe_url="u"
    )
    return message.text.removesuffix("\n")


LOOP = "{%% for a in range(1000) %%}%s{%% endfor %%}"
TEN = "{% set s = 'xxxxxxxxxx' %}"
ENDLESS = {
    "a long range": ("{% for a in range(10**9) %}a{% endfor %}", "too long"),
    "loops in loops": (LOOP % (LOOP % (LOOP % "a")), "more than 10,000 rounds"),
    "loops in loops that write nothing": (LOOP % (LOOP % ""), "rounds"),
    "a loop that skips all": (LOOP % "{% for b in range(1000) if false %}b{% endfor %}", "rounds"),
    "a loop over letters": (LOOP % "{% for b in s %}{% endfor %}", "rounds"),
    "a loop that calls itself": (
        "{% for a in [1] recursive %}{{ loop([1, 1]) if loop.depth < 30 }}{% endfor %}",
        "rounds",
    ),
    "a macro that calls itself twice": (
        "{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(50) }}",
        "rounds",
    ),
    "a macro that calls itself": ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "does not end"),
    "a block that shows itself": ("{% block b %}{{ self.b() }}{{ self.b() }}{% endblock %}", "does not end"),
    "a call block": (
        "{% macro m() %}{{ caller() }}{% endmacro %}"
        + LOOP % ("{% call m() %}" + LOOP % "a" + "{% endcall %}"),
        "rounds",
    ),
    "a file that takes itself in": ("{% include 't.txt' %}", "does not end"),
    "a file that extends itself": ("{% extends 't.txt' %}", "does not end"),
    "much text": (LOOP % ("a" * 1000), "more than 500,000 characters"),
    "much text into a name": ("{% set s %}" + LOOP % ("a" * 1000) + "{% endset %}", "characters"),
    "text doubled by writing": (
        TEN + "{% set s %}{{ s }}{{ s }}{% endset %}" * 40,
        "more than 500,000 characters",
    ),
    "text doubled by ~": (TEN + "{% set s = s ~ s %}" * 40, "too long"),
    "text doubled by +": (TEN + "{% set s = s + s %}" * 40, "too long"),
    "lists in lists": ("{% set s = [1] %}" + "{% set s = [s, s] %}" * 40 + "{{ s }}", "too long"),
    "pairs in pairs": ("{% set s = 1 %}" + "{% set s = (s, s) %}" * 40 + "{{ s }}", "too long"),
    "lists by arguments": (
        "{% macro m(n) %}{% if n %}{{ m(n - 1, varargs, varargs) }}{% endif %}{{ varargs }}{% endmacro %}"
        "{{ m(40) }}",
        "too long",
    ),
    "text times much": ("{{ 'x' * 10**9 }}", "too long"),
    "much times a list": ("{{ (10**6 * [1]) | length }}", "too long"),
    "a power": ("{{ 10 ** 10 ** 8 }}", "too large"),
    "powers of powers": ("{{ ((((999 ** 9) * 999 ** 9) * 999 ** 9) * 999 ** 9) }}", "too large"),
    "a wide blank": ("{{ '%1000000000d' % 1 }}", "not filled by %"),
    "a wide format": ("{{ '{:1000000000}'.format(1) }}", "format"),
    "a wide method": ("{{ 'x'.center(1000000000) }}", "center"),
    "zeros": ("{{ 'x'.zfill(1000000000) }}", "zfill"),
    "text for nothing": (TEN + "{% set s = s | replace('', s) %}" * 40 + "{{ s }}", "too long"),
    "much joined": ("{{ range(1000) | list | join('x' * 1000) }}", "too long"),
    "much to fill up": ("{{ [1] | batch(1000000000, 'x') | list }}", "too large a number"),
    "many slices": ("{{ [1] | slice(1000000000) | list }}", "too large a number"),
    "a fine rounding": ("{{ 2.5 | round(1000000000, 'ceil') }}", "too large a number"),
    "a name that grows": (
        "{% set n = namespace(s='x') %}" + LOOP % "{% set n.s = n.s ~ n.s %}",
        "too long",
    ),
    "words by chance": ("{{ lipsum() }}", "lipsum"),
    "one by chance": ("{{ [1, 2] | random }}", "random"),
    "a deep nest": ("{{ " + "(" * 20_000 + "1" + ")" * 20_000 + " }}", "does not end"),
}


@pytest.mark.parametrize("name", ENDLESS)
def test_what_never_ends_is_stopped_soon(name: str) -> None:
    text, why = ENDLESS[name]
    started = time.process_time()
    with pytest.raises(TemplateFaultError, match=why):
        written(text, s="x" * 1000)
    assert time.process_time() - started < 5


def test_it_is_stopped_at_the_same_place_each_time() -> None:
    told = set()
    for _ in range(3):
        with pytest.raises(TemplateFaultError) as caught:
            written("\n\n" + LOOP % (LOOP % "\n{{ a }}"))
        told.add(str(caught.value))
    assert told == {"template t.txt: it does not end: it takes more than 10,000 rounds (line 3)"}


def test_what_is_taken_in_counts_too() -> None:
    files = {"many.txt": LOOP % "{{ s }}", "macros.txt": "{% macro many() %}" + LOOP % "a" + "{% endmacro %}"}
    for text in ("{% include 'many.txt' %}" * 12, "{% include 'many.txt' without context %}" * 12):
        with pytest.raises(TemplateFaultError, match="rounds"):
            written(text, files, s="x")
    with pytest.raises(TemplateFaultError, match="rounds"):
        written("{% from 'macros.txt' import many %}" + "{{ many() }}" * 12, files)


def test_a_large_file_is_refused_with_its_name() -> None:
    with pytest.raises(TemplateFaultError, match=r"template t\.txt: it has more than 100,000 characters"):
        written("a" * 100_001)


def test_what_a_message_needs_is_far_from_the_bounds() -> None:
    items = [{"name": f"Tea {n}", "price": n} for n in range(200)]
    text = (
        "{% for item in items %}{{ loop.index }}. {{ item.name | upper }}: {{ item.price * 2 }}\n{% endfor %}"
    )
    assert written(text, items=items).endswith("200. TEA 199: 398")
    assert written("{{ message }}", message="x" * 100_000) == "x" * 100_000
    assert written("{{ items | map(attribute='name') | join(', ') | truncate(20) }}", items=items) == (
        "Tea 0, Tea 1,..."
    )
    assert written("{{ nothing | default(1250) }} {{ 'a-b'.split('-') | last }} {{ 7 // 2 }}") == "1250 b 3"


def test_nothing_of_the_machine_can_be_reached() -> None:
    for text in ("{{ ''.__class__ }}", "{{ customer.__class__ }}", "{{ sender | attr('__class__') }}"):
        with pytest.raises(TemplateFaultError, match="unsafe"):
            written(text)
    assert written("{{ customer['id'] }}") == "c"


def test_at_the_start_it_stops_the_start_with_file_and_line(tmp_path: Path) -> None:
    text = "{% extends 'layout.txt' %}\n{% block body %}\nHello.\n" + LOOP % (LOOP % "a") + "\n{% endblock %}"
    (tmp_path / "thank-you.txt").write_text(text)
    with pytest.raises(ConfigError, match=r"template thank-you\.txt: it does not end: .* \(line 4\)\."):
        policy_of(templates=tmp_path)


def test_one_that_only_some_values_make_endless_fails_and_is_told() -> None:
    endless = "{% for a in range(order_id | length) %}" + LOOP % "a" + "{% endfor %}"
    driver = reachable(Driver())
    sources = {**driver.policy.templates.sources, "thank-you.txt": endless}
    shipped = policy()
    driver.policy = type(shipped)(shipped.rules, Templates(sources), CHANNELS, shipped.links)
    driver.event(purchase("o" * 100))
    driver.after(2 * HOUR)
    [fact] = driver.facts(OutreachFailed)
    assert "it does not end" in driver.rows[fact.outreach_id]["error"]


def test_what_one_sandbox_has_compiled_serves_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    sources = {"compiled.txt": "{{ 1 + 1 }} once {# test_template_check #}", "compiled.html": "{{ '<' }}"}
    first = sandbox(sources)
    assert [first.get_template(name).name for name in sources] == [*sources]
    monkeypatch.setattr(Sandbox, "compile", None)
    again = sandbox(sources)
    assert rendered(again, "compiled.txt", {}) == "2 once "
    assert rendered(again, "compiled.html", {}) == "&lt;"
