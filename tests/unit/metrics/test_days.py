"""What is kept of days tells what all cells tell: whatever was written, folded and read in between."""

from collections.abc import Mapping, Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.metrics.domain.apply import apply
from services.metrics.domain.cells import LEVELS, Delta, add
from services.metrics.domain.churn import leaving
from services.metrics.domain.churn_policy import ChurnPolicy
from services.metrics.domain.days import Day, Part, is_summed, parts_of
from services.metrics.domain.kpis.kpi import Result
from services.metrics.domain.kpis.registry import KPIS
from services.metrics.domain.kpis.window import window
from services.metrics.domain.lifecycle import phases
from services.metrics.domain.places import Selection
from services.metrics.domain.state import Customer
from services.metrics.domain.sums import ByPlace, Standing, Sums, by_place
from services.metrics.domain.tracked import Tracked
from shared.schemas.event import Event
from shared.schemas.times import day_number
from tests.examples import examples

from .story import FAR, START, histories

DAY0 = day_number(START.date())
SELECTIONS = (
    Selection(),
    Selection(segment="gold"),
    Selection(channel="web"),
    Selection("gold", "store"),
    Selection(segment="new.$|%"),
)
OF_DAYS = ("clv",)
"""Follow from single days; all others from what adds up, so that a write costs what it changes."""
POLICIES = (
    ChurnPolicy.model_validate({"quiet": "10d", "complaint": "20d"}),
    ChurnPolicy.model_validate({"quiet": "25d", "contractual": None}),
)


class Counted:
    """Two partitions as they are stored, and what an API keeps of them."""

    def __init__(self) -> None:
        self.all = [Delta(), Delta()]
        self.tails = [Delta(), Delta()]
        self.folds: list[list[ByPlace]] = [[], []]
        self.kept: dict[Selection, Sums] = {}
        self._people: dict[str, Tracked] = {}

    def tell(self, event: Event) -> None:
        partition, delta = int(event.subject[1]) % 2, Delta()
        apply(self._people.setdefault(event.subject, Tracked(Customer())), event, FAR, delta)
        for cell, n in delta.items():
            add(self.all[partition], cell, n)
            add(self.tails[partition], cell, n)

    def take_back(self, subject: str) -> None:
        """All that a customer counts as, and nothing is known of them any more."""
        partition, person = int(subject[1]) % 2, self._people.pop(subject, Tracked(Customer()))
        for cell, n in person.counted():
            add(self.all[partition], cell, -n)
            add(self.tails[partition], cell, -n)

    def fold(self, partition: int) -> None:
        self.folds[partition].append(by_place(self.tails[partition]))
        self.tails[partition] = Delta()

    def read(self, selected: Selection) -> Sums:
        counts = {p: len(folds) for p, folds in enumerate(self.folds)}
        kept = self.kept.get(selected)
        if kept is None:
            days = plain([of for folds in self.folds for of in folds], selected)
            kept = self.kept[selected] = Sums.read(-(10**6), selected.chooses(), True, counts, days)
        else:
            new = [of for p, folds in enumerate(self.folds) for of in folds[kept.folds[p] :]]
            kept.fold(new, counts)
        folded = [{level: {} for level in LEVELS} for _ in self.folds]
        for levels, folds in zip(folded, self.folds, strict=True):
            for place, changes in (one for of in folds for one in of.items()):
                for _, name, n in changes:
                    if name in levels:
                        levels[name][place] = levels[name].get(place, 0) + n
        kept.stand(Standing(folds=counts, tails=[by_place(tail) for tail in self.tails], levels=folded))
        return kept


def plain(counts: Sequence[ByPlace], selected: Selection) -> dict[int, dict[str, int]]:
    """Of what is selected, summed by day."""
    chosen, days = selected.chooses(), dict[int, dict[str, int]]()
    for of in counts:
        for place, changes in of.items():
            for day, name, n in changes if chosen(place) else ():
                fields = days.setdefault(day, {})
                fields[name] = fields.get(name, 0) + n
    return days


def figures(
    days: Mapping[int, Mapping[str, int]], levels: Mapping[str, int], **how: Any
) -> dict[str, Result]:
    found = window(days, levels, **how)
    return {name: kpi.of(found) for name, kpi in KPIS.items()}


_steps = st.lists(
    st.sampled_from(["fold 0", "fold 1", "read", "back c1", "", "", ""]), min_size=40, max_size=40
)
_spans = st.tuples(st.integers(-2, 70), st.integers(0, 70), st.booleans())


@settings(deadline=None, max_examples=examples(60))
@given(histories(), _steps, st.lists(_spans, min_size=1, max_size=3), st.data())
def test_what_is_kept_tells_what_all_cells_tell(
    history: Sequence[Event],
    steps: Sequence[str],
    spans: Sequence[tuple[int, int, bool]],
    data: st.DataObject,
) -> None:
    counted = Counted()
    selected = data.draw(st.sampled_from(SELECTIONS))
    policy = data.draw(st.sampled_from(POLICIES))
    for event, step in zip((*history, None), ("read", *steps), strict=False):
        if step.startswith("fold"):
            counted.fold(int(step[-1]))
        elif step.startswith("back"):
            counted.take_back(step[-2:])
        elif step == "read" or event is None:
            kept = counted.read(selected)
            days = plain([by_place(of) for of in counted.all], selected)
            levels = {level: sum(fields.get(level, 0) for fields in days.values()) for level in LEVELS}
            assert kept.levels == levels
            for start, length, ends in spans:
                first, last = DAY0 + start, DAY0 + start + length
                how = {"first": first, "one_channel": selected.channel is not None, "policy": policy}
                how |= {"last": last} if ends else {"last": None, "today": last}
                mine = figures(kept.with_tails, levels, **how, counted=kept.counted)
                assert mine == figures(days, levels, **how)
                again = figures({}, levels, **how | {"today": last}, counted=kept.counted)
                assert {**again, **{name: mine[name] for name in OF_DAYS}} == mine
                assert figures(kept.with_tails, levels, **how) == figures(days, levels, **how)
                chain = "c" if selected.channel else "r"
                assert phases(kept.with_tails, first, last, chain) == phases(days, first, last, chain)
        if event is not None:
            counted.tell(event)


_names = st.sampled_from(
    ["r1:x", "r1:0", "r1:12", "r2:3", "s1:x", "c1:7", "w1:3:4:x:why", "open", "begun:x", "r0:"]
)
_counts = st.dictionaries(_names, st.integers(-3, 3))


_gaps, _lengths = st.sampled_from(["x", "0", "5", "12"]), st.integers(0, 12)
_lives = st.one_of(
    st.builds("{}:{}".format, st.sampled_from(["r1", "s1", "c1", "begun"]), _gaps),
    st.builds("{}1:{}:{}:{}:why".format, st.sampled_from("wuyv"), _gaps, st.integers(-9, 9), _gaps),
    st.builds("{}1:{}:{}:{}:-3:why".format, st.sampled_from("qp"), _gaps, _lengths, _lengths),
    st.builds("ended:{}{}:{}:{}".format, st.sampled_from("ec"), _gaps, _lengths, st.just("c2:why")),
    st.builds("ended:{}{}:{}:s{}".format, st.sampled_from("ec"), _gaps, _lengths, st.just("card expired")),
)
_days = st.dictionaries(st.integers(-20, 20), st.dictionaries(_lives, st.integers(-3, 3), max_size=4))


@given(_days, _days, st.integers(-9, 9), st.integers(0, 9), st.sampled_from("rc"), st.booleans())
def test_who_left_adds_up_over_parts_of_days(
    one: dict[int, dict[str, int]],
    other: dict[int, dict[str, int]],
    first: int,
    length: int,
    chain: str,
    contractual: bool,
) -> None:
    """By a policy that looks at all that there is."""
    text = {"quiet": "7d", "complaint": "5d", "alive_below": 0.5}
    policy = ChurnPolicy.model_validate(text if contractual else text | {"contractual": None})
    parts = [leaving(days, policy, first, first + length, chain) for days in (one, other)]
    both = {day: Day(*(Part(of.get(day, {}).items()) for of in (one, other))) for day in one | other}
    whole = {day: Day.of(of.merged()) for day, of in both.items()}
    total = {way: sum(part.get(way, 0) for part in parts) for way in {**parts[0], **parts[1]}}
    for days in (both, whole):
        found = leaving(days, policy, first, first + length, chain)
        assert {way: n for way, n in found.items() if n} == {way: n for way, n in total.items() if n}


@given(st.lists(_counts, min_size=1, max_size=3))
def test_a_day_is_what_its_parts_add_up_to(parts: list[dict[str, int]]) -> None:
    total: dict[str, int] = {}
    for counts in parts:
        for name, n in counts.items():
            total[name] = total.get(name, 0) + n
    expected = {name: n for name, n in total.items() if n}
    day = Day(*(Part(counts.items()) for counts in parts))
    assert day == expected
    assert {name: day.get(name, 0) for name in total} == total
    assert len(day) == len(expected)
    for one, counts in zip(parts_of(day), parts, strict=True):
        assert len(one) >= sum(map(bool, counts.values())) >= len(one.plain) + len(one.tied)
        assert {name: n for name, n in counts.items() if n and is_summed(name)} == one.plain
