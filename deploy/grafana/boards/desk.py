"""Service: complaints and their clocks, conversations, agents, tasks."""

from deploy.grafana.declared import meaning
from deploy.grafana.figures import Board, Choice, Figure, Row, Shape
from deploy.grafana.kpis import rows

TALKS = "rapport_desk_conversations"
CLOCKS = "rapport_sla_clocks_total"
WAITED = "rapport_conversation_waited_seconds"
TEAM = '{team=~"$team"}'


def board() -> Board:
    return Board(
        uid="rapport-desk",
        title="Rapport: desk",
        meaning="What the desk has on its hands, how fast it answers, and whether it keeps its promises.",
        rows=(_now(), _people(), _clocks(), *rows("desk"), _given()),
        choices=(Choice("team", TALKS, "Team"),),
    )


def _now() -> Row:
    return Row(
        "Now",
        (
            Figure(
                title="Complaints",
                meaning=meaning("rapport_desk_complaints"),
                unit="suffix: complaints",
                queries=(("max by (state) (rapport_desk_complaints)", "{{state}}"),),
                shape=Shape.NUMBER,
            ),
            Figure(
                title="Conversations",
                meaning=meaning(TALKS),
                unit="suffix: conversations",
                queries=((f"sum by (state) (max by (team, state) ({TALKS}{TEAM}))", "{{state}}"),),
                shape=Shape.NUMBER,
            ),
            Figure(
                title="Oldest in the queue",
                meaning=meaning("rapport_desk_oldest_wait_seconds"),
                unit="s",
                queries=((f"max by (team) (rapport_desk_oldest_wait_seconds{TEAM})", "{{team}}"),),
                shape=Shape.NUMBER,
                document="runbooks.md#rapportqueuewaits",
            ),
        ),
    )


def _people() -> Row:
    load, capacity = "rapport_desk_load", "rapport_desk_capacity"
    return Row(
        "People and their work",
        (
            Figure(
                title="Agents",
                meaning=meaning("rapport_desk_agents"),
                unit="suffix: agents",
                queries=((f"max by (team, state) (rapport_desk_agents{TEAM})", "{{team}} {{state}}"),),
            ),
            Figure(
                title="Load",
                meaning=f"{meaning(load)} As a share of: {meaning(capacity)}",
                unit="percentunit",
                queries=((f"max by (team) ({load}{TEAM}) / max by (team) ({capacity}{TEAM})", "{{team}}"),),
            ),
            Figure(
                title="Conversations by team",
                meaning=meaning(TALKS),
                unit="suffix: conversations",
                queries=((f"max by (team, state) ({TALKS}{TEAM})", "{{team}} {{state}}"),),
            ),
            Figure(
                title="Tasks",
                meaning=meaning("rapport_desk_tasks"),
                unit="suffix: tasks",
                queries=((f"max by (team, state) (rapport_desk_tasks{TEAM})", "{{team}} {{state}}"),),
            ),
        ),
    )


def _clocks() -> Row:
    met, either = f'{CLOCKS}{{result="met"}}', f'{CLOCKS}{{result=~"met|breached"}}'
    return Row(
        "Promises",
        (
            Figure(
                title="Clocks met, of those that ended in the time shown",
                meaning=meaning(CLOCKS),
                unit="percentunit",
                queries=(
                    (
                        f"sum by (clock) (increase({met}[$__range])) / sum by (clock) "
                        f"(increase({either}[$__range]))",
                        "{{clock}}",
                    ),
                ),
                shape=Shape.BARS,
                document="runbooks.md#rapportclocksburnsfast",
            ),
            Figure(
                title="What was told of clocks",
                meaning=meaning(CLOCKS),
                unit="short",
                queries=((f"sum by (result) (increase({CLOCKS}[$__rate_interval]))", "{{result}}"),),
            ),
        ),
    )


def _given() -> Row:
    return Row(
        "How conversations are given",
        (
            Figure(
                title="Given to agents",
                meaning=meaning("rapport_conversations_assigned_total"),
                unit="suffix: conversations/min",
                queries=(
                    (
                        "60 * sum by (how) (rate(rapport_conversations_assigned_total[$__rate_interval]))",
                        "{{how}}",
                    ),
                ),
            ),
            Figure(
                title="Seconds in the queue",
                meaning=meaning(WAITED),
                unit="s",
                queries=tuple(
                    (f"histogram_quantile({q}, sum by (le) (rate({WAITED}_bucket[$__rate_interval])))", name)
                    for q, name in (("0.5", "p50"), ("0.9", "p90"))
                ),
            ),
            Figure(
                title="Bots silenced",
                meaning=meaning("rapport_bot_silenced_total"),
                unit="suffix: messages",
                queries=(
                    ("sum by (how) (increase(rapport_bot_silenced_total[$__rate_interval]))", "{{how}}"),
                ),
            ),
        ),
    )
