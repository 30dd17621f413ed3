"""Service: complaints and their clocks, conversations, agents, tasks."""

from deploy.grafana.declared import meaning
from deploy.grafana.figures import Board, Choice, Figure, Row, Shape
from deploy.grafana.kpis import rows
from deploy.grafana.promql import NONE, rate
from deploy.grafana.usual import age, counted, figure, latest, spread

TALKS = "rapport_desk_conversations"
CLOCKS = "rapport_sla_clocks_total"
GIVEN = "rapport_conversations_assigned_total"
CONNECTIONS = "rapport_mail_connections"
TEAM = '{team=~"$team"}'


def board() -> Board:
    return Board(
        uid="rapport-desk",
        title="Rapport: desk",
        meaning="What the desk has on its hands, how fast it answers, and whether it keeps its promises.",
        rows=(
            Row("Now", _now()),
            Row("People and their work", _people()),
            Row("Promises", _promises()),
            *rows("desk"),
            Row("How conversations are given", _given()),
            Row("E-mail in", _mail()),
        ),
        choices=(Choice("team", TALKS, "Team"),),
    )


def _now() -> tuple[Figure, ...]:
    complaints, oldest = "rapport_desk_complaints", "rapport_desk_oldest_wait_seconds"
    held = (f"sum by (state) (max by (team, state) ({TALKS}{TEAM}))", "state")
    return (
        latest("Complaints", complaints, "suffix: complaints", "state", shape=Shape.NUMBER),
        figure("Conversations", TALKS, "suffix: conversations", held, shape=Shape.NUMBER),
        latest("Oldest in the queue", oldest, "s", "team", TEAM, Shape.NUMBER, runbook="RapportQueueWaits"),
    )


def _people() -> tuple[Figure, ...]:
    load, capacity = "rapport_desk_load", "rapport_desk_capacity"
    both = "team, state"
    share = (f"max by (team) ({load}{TEAM}) / max by (team) ({capacity}{TEAM})", "team")
    return (
        latest("Agents", "rapport_desk_agents", "suffix: agents", both, TEAM),
        figure("Load", load, "percentunit", share, also=f"As a share of: {meaning(capacity)}"),
        latest("Conversations by team", TALKS, "suffix: conversations", both, TEAM),
        latest("Tasks", "rapport_desk_tasks", "suffix: tasks", both, TEAM),
    )


def _promises() -> tuple[Figure, ...]:
    met, ended = (
        f'sum by (clock) (increase({CLOCKS}{{result=~"{one}"}}[$__range]))' for one in ("met", "met|breached")
    )
    return (
        figure(
            "Clocks met, of those that ended in the time shown",
            CLOCKS,
            "percentunit",
            (f"{met} / {ended}", "clock"),
            shape=Shape.BARS,
            runbook="RapportClocksBurnsFast",
        ),
        counted("What was told of clocks", CLOCKS, "result"),
    )


def _given() -> tuple[Figure, ...]:
    given = (f"60 * {rate(GIVEN, 'how')}", "how")
    return (
        figure("Given to agents", GIVEN, "suffix: conversations/min", given),
        spread("Seconds in the queue", "rapport_conversation_waited_seconds"),
        counted("Bots silenced", "rapport_bot_silenced_total", "how", unit="suffix: messages"),
        age("rapport_desk_refreshed_timestamp_seconds"),
    )


def _mail() -> tuple[Figure, ...]:
    return (
        counted("Mails", "rapport_mails_total", "result", unit="suffix: mails", none=NONE),
        figure(
            "Connections for mail", CONNECTIONS, "suffix: connections", (f"sum({CONNECTIONS}){NONE}", "open")
        ),
    )
