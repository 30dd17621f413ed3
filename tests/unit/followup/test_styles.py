"""Style sheets go into the elements when templates are loaded, and leave what stands in braces as it is."""

import re

import pytest

from services.followup.config import load_templates
from services.followup.domain.messages.check import reader, samples, uses, written
from services.followup.domain.messages.styles import StyleFaultError, styled
from services.followup.domain.tasks import TASKS

from .driver import CHANNELS, policy, rules

ALL = {**CHANNELS, **TASKS}

SHEET = "<style>p{margin:0} .a{color:red} td{padding:1px} a{color:blue}</style>"
LAYOUT = (
    f"<!doctype html><html><head>{SHEET}</head><body><p>x</p>{{% block b %}}{{% endblock %}}</body></html>"
)


def child(body: str, layout: str = LAYOUT) -> str:
    inner = f'{{% extends "l.html" %}}{{% block b %}}{body}{{% endblock %}}'
    done = styled({"l.html": layout, "c.html": inner})["c.html"]
    return done.removeprefix('{% extends "l.html" %}{% block b %}').removesuffix("{% endblock %}")


def test_a_layouts_rules_are_in_its_elements_and_in_those_of_what_extends_it() -> None:
    done = styled({"l.html": LAYOUT})["l.html"]
    assert '<p style="margin:0">x</p>{% block b %}{% endblock %}' in done
    assert "<style" not in done
    assert child('<p class="a">x</p>') == '<p class="a" style="margin:0;color:red">x</p>'


@pytest.mark.parametrize(
    "braces",
    [
        "{{ a < b and c > d }}",
        "{% if a < 1 & b %}&amp; &nbsp;{% endif %}",
        "{# <p> & it's a note #}",
        "{% trans %}<strong>x</strong> & y{% endtrans %}",
    ],
)
def test_what_stands_in_braces_stays_as_it_is(braces: str) -> None:
    kept = re.findall(r"\{.*?[%}#]\}", braces)
    for place in (f"<p>{braces}</p>", f"{braces}<p>x</p>", f"<ul>{braces}<li>x</li></ul>"):
        done = child(place)
        assert [piece for piece in kept if piece not in done] == []
    assert child('<a href="{{ url(\'x\', "y") }}">x</a>') == (
        '<a href="{{ url(\'x\', "y") }}" style="color:blue">x</a>'
    )


def test_rows_of_another_files_table_are_kept() -> None:
    done = child("{% for x in y %}<tr><td>{{ x }}</td></tr>{% endfor %}")
    assert '{% for x in y %}<tr><td style="padding:1px">{{ x }}</td></tr>{% endfor %}' in done
    table = child("<table>{% for x in y %}<tr><td>{{ x }}</td></tr>{% endfor %}</table>")
    assert '{% for x in y %}<tr><td style="padding:1px">{{ x }}</td></tr>{% endfor %}' in table
    assert child("{% if a %}</p><p>{% endif %}") != ""


def test_what_is_for_some_screens_stays_in_the_head() -> None:
    media = "@media (prefers-color-scheme: dark) { .a { color: white } }"
    done = styled({"l.html": LAYOUT.replace("</style>", f"{media}</style>")})["l.html"]
    assert "@media (prefers-color-scheme: dark)" in done
    kept = LAYOUT.replace("</head>", f'<style data-css-inline="keep">{media}</style></head>')
    done = styled({"l.html": kept})["l.html"]
    assert done.count("@media") == 1
    assert '<p style="margin:0">' in done


def test_files_without_a_sheet_are_left_alone() -> None:
    plain = {
        "a.html": "<p>{{ x }}<br/>",
        "b.txt": "<style>p{}</style>",
        "c.html": '{% extends "a.html" %}<p>',
    }
    assert styled(plain) == plain


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ('<p {% if a %}class="b"{% endif %}>x</p>', "stands between attributes"),
        ("<p {{ a }}>x</p>", "stands between attributes"),
        ("<table><p>x<tr><td>y</table><tr>z", "elements do not stand in each other"),
    ],
)
def test_what_would_be_lost_is_told_with_the_file(body: str, why: str) -> None:
    with pytest.raises(StyleFaultError, match=rf"template c\.html: .*{why}"):
        child(body)
    assert child('<p class="{{ \'>\' if a }}" title=\'{{ "\\"" }}\'>x</p>').endswith('style="margin:0">x</p>')


def test_a_message_has_its_styles_and_none_of_its_values_is_touched() -> None:
    shipped = policy()
    for use in uses(shipped.templates, rules(), ALL):
        if use.channel.name in TASKS:
            continue
        html = written(shipped.templates, use, reader("en"), next(samples.sets(use.values)), rules()).html
        assert html.startswith("<!DOCTYPE html>")
        assert "max-width:600px" in html
        assert html.count("<style") == 1
        for needed in ('name="color-scheme"', "prefers-color-scheme: dark", "@media (max-width", "charset"):
            assert needed in html
        assert "Zoë O&#39;Neill &amp; &lt;Sons&gt;" in html
        assert 'href="https://example.org/u?a=1&amp;b=2"' in html
        assert "src=" not in html


def test_it_is_done_once() -> None:
    templates = load_templates(None)
    assert templates.sources["welcome.html"].startswith("{% extends")
    assert "style=" not in templates.sources["layout.html"]
