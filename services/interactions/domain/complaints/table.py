"""A complaint's life as a table in Markdown: the documents have it from here (``tools/readme.py``)."""

from shared.facts.complaints import STATUSES, TRANSITIONS, Status, Transition

REFUSED, STAYS = "–", "·"


def life_table() -> str:
    """A row for each step, a column for each status that it may find: what the complaint is then."""
    rows = [[rule.name, *(_cell(rule, status) for status in STATUSES)] for rule in TRANSITIONS.values()]
    head = ["step", *STATUSES]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows))


def _cell(rule: Transition, status: Status) -> str:
    if status not in rule.follows:
        return REFUSED
    return rule.to or STAYS
