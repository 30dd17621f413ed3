"""What the reader sees: the table of changes, the bars, and what the recording cannot tell."""

import io

import pytest
from rich.console import Console

from rapport.simulate import run
from rapport.simulate.figures import change, change_of_share, money, plain
from rapport.simulate.notes import notes
from rapport.simulate.outline import outline
from rapport.simulate.page import Comparison, page
from rapport.simulate.run import Simulated
from services.loyalty.config import DEFAULT, load
from services.loyalty.domain.program.program import Program, Programs
from tests.unit.simulate.recordings import BASE, both, buy, campaign, day, give_back, program

ARRIVALS = [buy(10, 60_000, order="a"), buy(40, 10_000, "c-2"), give_back(50, "a", 10_000), buy(90, 10_000)]


def shown(simulated: Simulated, width: int = 80) -> list[str]:
    """The page's lines without the space around them."""
    file = io.StringIO()
    console = Console(file=file, width=width)
    console.print(page(Comparison(("title",), *simulated.results)))
    return [line.strip() for line in file.getvalue().splitlines()]


def row(lines: list[str], label: str) -> str:
    """What stands after a label where it is there first, which is in the table of changes."""
    found = next(line for line in lines if line.startswith(label + "  "))
    return " ".join(found.removeprefix(label).split())


def test_the_same_program_changes_nothing() -> None:
    same = program(campaigns=[campaign()])
    done = both(ARRIVALS, same, program(campaigns=[campaign()]), until=400)
    lines = shown(done)
    start = next(n for n, line in enumerate(lines) if line.startswith("purchases")) - 1
    rows = lines[start + 1 : lines.index("", start + 1)]
    assert len(rows) > 15
    assert {line.split()[-1] for line in rows} == {"0"}


def test_the_draft_is_compared_figure_by_figure() -> None:
    done = both(ARRIVALS, program(), program(campaigns=[campaign()], point_value=2, breakage=0.5))
    lines = shown(done)
    assert row(lines, "net sales") == "700.00 EUR 700.00 EUR 0"
    assert row(lines, "points issued") == "900 1,000 +100 (+11.1%)"
    assert row(lines, "campaigns") == "0 100 +100"
    assert row(lines, "points reversed") == "100 100 0"
    assert row(lines, "high") == "1 (50%) 1 (50%) 0"
    assert row(lines, "liability") == "8.00 EUR 18.00 EUR +10.00 (+125.0%)"
    assert row(lines, "after breakage") == "8.00 EUR 9.00 EUR +1.00 (+12.5%)"
    assert row(lines, "cost of net sales") == "1.29% 2.86% +1.57 pp"
    assert row(lines, "double") == "0 100 -"


def test_amounts_of_two_currencies_are_not_compared() -> None:
    pounds = program(currency="GBP", rates={"GBP": 1, "EUR": 0.5})
    assert row(shown(both(ARRIVALS, program(), pounds)), "net sales") == "700.00 EUR 350.00 GBP -"


def test_refused_events_have_rows_only_where_there_are_any() -> None:
    assert not [line for line in shown(both(ARRIVALS, program(), program())) if "refused" in line]
    twice = [*ARRIVALS, buy(91, 100, order="a")]
    lines = shown(both(twice, program(), program()))
    assert row(lines, "events refused") == "1 1 0"
    assert row(lines, "duplicate_order") == "1 1 0"


def test_bars_have_one_scale_and_no_month_is_missing() -> None:
    done = both(ARRIVALS, program(), program(campaigns=[campaign()]))
    lines = shown(done)
    months = lines[lines.index("points issued by month") + 1 :]
    assert [line[:7] for line in months[::2]] == ["2025-01", "2025-02", "2025-03", "2025-04"]
    assert months[0].count("█") == months[1].count("█") == 40
    assert [line.split()[-1] for line in months] == ["600", "600", "100", "200", "0", "0", "200", "200"]
    assert [line.count("█") for line in months[2:4]] == [6, 13]


def test_an_account_without_events_for_loyalty_shows_too() -> None:
    assert row(shown(both([(day(1), None)], program(), program())), "cost of net sales") == "- - -"


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [(0, 0, "0"), (0, 5, "+5"), (4, 5, "+1 (+25.0%)"), (5, 4, "-1 (-20.0%)"), (5, 0, "-5 (-100.0%)")],
)
def test_changes(before: int, after: int, text: str) -> None:
    assert change(before, after, lambda by: f"{by}") == text


def test_texts() -> None:
    tenth, quarter = (tier.multiplier / 10 for tier in load().versions[0].tiers[:2])
    assert change_of_share(tenth, quarter) == "+2.50 pp"
    assert change_of_share(tenth, tenth) == "0"
    assert money(-123_456, "EUR") == "-1,234.56 EUR"
    assert plain(quarter * 80) == "10"


def told(draft: Programs, *, join: bool = False) -> str:
    return "\n".join(notes(both(ARRIVALS, program(), draft), program(), draft, join=join))


def test_it_says_that_redemptions_are_not_replayed() -> None:
    assert "Redemptions are not replayed" in told(program())


def test_it_says_what_the_recording_never_reaches() -> None:
    late = campaign(id="late", **{"from": day(91), "until": day(99)})
    early = campaign(id="early", **{"from": day(-9), "until": day(10)})
    text = told(program(campaigns=[late, early, campaign()]))
    assert "Campaign late never runs" in text
    assert "Campaign early never runs" in text
    assert "double" not in text
    versions = [
        Program.model_validate(BASE | {"campaigns": [campaign()]}),
        Program.model_validate(BASE | {"name": "next", "effective_from": day(20)}),
        Program.model_validate(BASE | {"name": "last", "effective_from": day(200)}),
    ]
    text = told(Programs(versions))
    assert "Campaign double never runs" in text
    assert "last 2025-07-20 begins after the end" in text
    assert "next 2025-01-21" not in text


def test_it_says_when_sales_differ_by_the_rates_alone() -> None:
    assert "rates differ" in told(program(rates={"EUR": 1, "USD": 0.9}))
    assert "rates differ" not in told(program())


def test_it_says_what_went_wrong_in_the_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise KeyError("rule")

    monkeypatch.setattr(run, "apply", broken)
    done = both(ARRIVALS, program(), program())
    assert row(shown(done), "unhandled") == "4 4 0"
    assert "KeyError: 'rule'" in "\n".join(notes(done, program(), program(), join=False))


def test_it_says_that_members_who_join_by_choice_are_unknown() -> None:
    assert "--join makes each join" in told(program(enrolment="explicit"))
    assert "here each joins" in told(program(enrolment="explicit"), join=True)
    assert "--join" not in told(program())


def test_the_outline_of_every_program_that_ships_is_whole() -> None:
    for file in DEFAULT.parent.glob("*.yaml"):
        programs = load(file)
        output = io.StringIO()
        console = Console(file=output, width=200)
        for part in outline(programs):
            console.print(part)
        text = output.getvalue()
        assert "from the beginning" in text
        for version in programs.versions:
            names = [tier.name for tier in version.tiers]
            names += [part.id for part in (*version.rewards, *version.campaigns)]
            assert [name for name in names if name not in text] == []
