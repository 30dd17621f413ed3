"""Templates are tried before they are used: with what their variables may be, in every language."""

from pathlib import Path
from typing import Any

import pytest

from services.followup.config import load_templates
from services.followup.domain.messages.check import check, untranslated, uses
from services.followup.domain.messages.faults import TemplateFaultError
from services.followup.domain.messages.samples import of_rule, sets
from services.followup.domain.rules.rule import Rule
from services.followup.domain.tasks import TASKS
from shared.runtime.config import ConfigError

from .driver import CHANNELS, rules
from .test_rules import policy_of

ALL = {**CHANNELS, **TASKS}

TEXT = "{% extends 'layout.txt' %}\n{% block body %}\n"
HTML = TEXT.replace("txt", "html")


def tried(tmp_path: Path, file: str, text: str) -> None:
    (tmp_path / file).write_text(text, encoding="utf-8")
    policy_of(templates=tmp_path)


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("tier-up.txt", "\n\n{{ ti }}", r"template tier-up\.txt: 'ti' is undefined \(line 3\)"),
        ("tier-up.html", HTML + "{{ ti }}{% endblock %}", r"tier-up\.html: 'ti' .*\(line 3\)"),
        ("layout.txt", "\n{{ shop }}{% block body %}{% endblock %}", r"'shop' .*\(line 2 of layout\.txt\)"),
        ("tier-up.txt", "\n{{ to | colour }}", r"tier-up\.txt: No filter named 'colour'\. \(line 2\)"),
        ("tier-up.txt", "{% if to %}\n{% for %}", r"tier-up\.txt: .* \(line 2\)"),
        ("tier-up.txt", "{% extends 'gone.txt' %}", r"tier-up\.txt: no file gone\.txt \(line 1\)"),
        ("anniversary.txt", "{{ 12 // (years - 1) }}", r"anniversary\.txt: .*zero \(line 1\)"),
        ("anniversary.txt", "{{ ['few'][years - 3] }}", r"anniversary\.txt: .*\(line 1\)"),
        ("points-expiring.txt", "{{ points.amount }}", r"'int object' has no attribute 'amount'"),
        ("complaint-update.txt", "\n{{ promised_by.strip() }}", r"has no attribute 'strip' \(line 2\)"),
        ("note.txt", "{% for a in range(1001) %}{% endfor %}", r"note\.txt: .* too long \(line 1\)"),
        (
            "tier-up.de.txt",
            "Hallo {{ kunde }}",
            r"template tier-up\.de\.txt: 'kunde' is undefined \(line 1\)",
        ),
    ],
)
def test_what_is_wrong_stops_the_start_with_file_and_line(
    tmp_path: Path, file: str, text: str, said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        tried(tmp_path, file, text)


@pytest.mark.parametrize(
    ("text", "reads"),
    [
        ("Dear {{ customer.name }},\n", "'Dear ,'"),
        ("Good day\n{{ customer.name }}, there is news.\n", "', there is news"),
        ("Dear {{ customer.name or 'None' }},\n", "'Dear None,'"),
        ("We wish {{ customer.name }} well.\n", "'We wish  well.'"),
    ],
)
def test_a_hole_where_a_name_is_missing_stops_the_start(tmp_path: Path, text: str, reads: str) -> None:
    with pytest.raises(ConfigError, match=f"template tier-up: its text in en reads {reads}"):
        tried(tmp_path, "tier-up.txt", text)


def test_a_word_that_is_none_may_be_said(tmp_path: Path) -> None:
    tried(tmp_path, "tier-up.txt", "None of your points is lost, {{ to }}.")


def test_samples_are_what_the_triggers_fields_may_be() -> None:
    by_name = {rule.name: of_rule(rule) for rule in rules().rules}
    expiring = by_name["points-expiring"]
    assert expiring["points"] == [1250, 1, 2]
    assert expiring["balance"] == [1250, 0, 1, 2]
    assert all("T" in str(time) for time in expiring["expires_at"])
    assert by_name["tier-at-risk"]["spend_needed"][0] == {"amount": 129_950, "currency": "EUR"}
    assert all(money["amount"] >= 0 for money in by_name["tier-at-risk"]["spend_needed"])
    assert by_name["anniversary"]["years"] == [3, 1, 2, 12, 13]
    assert by_name["complaint-update"]["complaint_id"] == ["k-1042"]
    assert any("<" in str(text) and "&" in str(text) for text in by_name["tier-up"]["to"])
    assert by_name["complaint-update"]["promised_by"][-1] is None
    for values in by_name.values():
        tried_with = list(sets(values))
        for name, some in values.items():
            assert {str(shown[name]) for shown in tried_with} == {str(value) for value in some}


@pytest.mark.parametrize(
    ("event", "field", "first"),
    [
        ("tier.changed", "direction", "up"),
        ("interaction.logged", "sentiment", 0.5),
    ],
)
def test_samples_of_other_types(event: str, field: str, first: Any) -> None:
    rule = Rule.model_validate(
        {"name": "x", "triggers": [event], "delay": "1d", "template": "news", "variables": [field]}
    )
    values = of_rule(rule)[field]
    assert values[0] == first
    assert None in values


def test_what_an_agent_gives_is_tried_as_text(tmp_path: Path) -> None:
    found = {use.template: use.values for use in uses(load_templates(None), rules(), ALL)}
    assert found["note"].keys() == {"subject", "message"}
    tried(tmp_path, "note.txt", "{{ message }} {{ colour }}")
    with pytest.raises(ConfigError, match=r"note\.txt: .*'str object' has no attribute 'amount'"):
        tried(tmp_path, "note.txt", "{{ sum.amount }}")


# --- what is not there in a language


def test_all_that_ships_is_there_in_every_language() -> None:
    for name in ("retail", "subscription"):
        assert untranslated(load_templates(None), rules(name), ALL) == ()


def test_what_is_not_translated_is_told_and_stops_nothing(tmp_path: Path) -> None:
    new = TEXT + "{% trans %}Brand new.{% endtrans %}\nAnd more.\n{% endblock %}"
    (tmp_path / "tier-up.txt").write_text(new)
    templates = load_templates(tmp_path)
    check(templates, rules(), ALL)
    told = [str(one) for one in untranslated(templates, rules(), ALL)]
    assert told == [
        "template tier-up.txt, line 3: 'Brand new.' is not in de.po",
        "template tier-up.txt, line 4: 'And more' stands outside {% trans %}",
        "template tier-up.txt, line 3: 'Brand new.' is not in es.po",
        "template tier-up.txt, line 3: 'Brand new.' is not in fr.po",
    ]
    german = rules(locale="de")
    assert [one.language for one in untranslated(templates, german, ALL)] == ["es", "", "fr"]


def test_words_in_tags_styles_and_notes_are_not_said(tmp_path: Path) -> None:
    text = (
        "{% extends 'layout.html' %}{% block body %}{# a note #}<!-- another -->\n<style>p { color: red }"
        '</style><p class="wide" title="{{ to }}">{{ to }} &nbsp;&amp; '
        "{% trans %}Your new tier{% endtrans %}</p>{% endblock %}"
    )
    (tmp_path / "tier-up.html").write_text(text)
    told = {one.text for one in untranslated(load_templates(tmp_path), rules(), ALL)}
    assert told == {"Your new tier"}


def test_a_plural_without_its_forms_is_not_translated(tmp_path: Path) -> None:
    (tmp_path / "locales").mkdir()
    (tmp_path / "locales" / "it.po").write_text('msgid "point"\nmsgid_plural "points"\nmsgstr[0] "punto"\n')
    told = {one.text for one in untranslated(load_templates(tmp_path), rules(), ALL)}
    assert "point" in told


def test_a_reply_is_tried_in_every_language(tmp_path: Path) -> None:
    (tmp_path / "reply.fr.subject.txt").write_text("{{ agent }}")
    with pytest.raises(TemplateFaultError, match=r"reply\.fr\.subject\.txt: 'agent' is undefined"):
        check(load_templates(tmp_path), rules(), ALL)
