"""The metrics of interactions, each with its meaning. Counters are the worker's, gauges the API's."""

import json
from collections.abc import Mapping
from typing import Any, get_args

from prometheus_client import Counter, Gauge, Histogram

from services.interactions.domain.desk import on_hand
from services.interactions.domain.rows import TIMELINE
from services.interactions.domain.telling import HUSHED
from services.interactions.errors import BOT_SILENCED
from shared.http.hooks import begin_hooks
from shared.journal.plan import Plan
from shared.schemas.complaints import ClockName, ComplaintSlaBreached, ComplaintSlaMet, ComplaintSlaWarned
from shared.schemas.interactions import ConversationAssigned
from shared.schemas.services import SERVICES
from shared.schemas.times import SECOND, Micros

SILENCED = Counter(
    "rapport_bot_silenced_total",
    "What bots said, or wanted to say, in conversations that people have. how: refused (a message over HTTP, "
    "which was not sent), heard (one that was sent elsewhere all the same: it is kept, and no answer).",
    ["how"],
)
ASSIGNED = Counter(
    "rapport_conversations_assigned_total",
    "Conversations that agents were given. how: automatic (by routing), manual (by a person), told (from "
    "outside, where it is not said by whom).",
    ["how"],
)
WAITED_SECONDS = Histogram(
    "rapport_conversation_waited_seconds",
    "Seconds in a team's queue, from when a person was asked for until routing gave it to an agent, by the "
    "events' own times.",
    buckets=(1, 5, 15, 30, 60, 120, 300, 600, 1_200, 1_800, 3_600, 7_200, 14_400, 43_200, 86_400),
)
CLOCKS = Counter(
    "rapport_sla_clocks_total",
    "What was told of complaints' SLA clocks. result: warned (near its end), met, breached.",
    ["clock", "result"],
)
HOOK_NAMES = ("shopify", "woocommerce", "chat")
SILENCED_HOWS, ASSIGNED_HOWS = ("refused", "heard"), ("automatic", "manual", "told")
TOLD = {
    ComplaintSlaWarned.event_type: "warned",
    ComplaintSlaMet.event_type: "met",
    ComplaintSlaBreached.event_type: "breached",
}
SAME = "Each replica of the API shows the same: take max."
CONVERSATIONS = Gauge(
    "rapport_desk_conversations",
    f"Conversations that people have, by team and state: queued (for an agent), assigned, waiting (for the "
    f"customer). Team none: no team was asked. {SAME}",
    ["team", "state"],
)
OLDEST_WAIT = Gauge(
    "rapport_desk_oldest_wait_seconds",
    f"How long the conversation has waited that is queued the longest in a team; 0 where none is. {SAME}",
    ["team"],
)
AGENTS = Gauge(
    "rapport_desk_agents", f"Agents by team and state: at_work, on_break, off. {SAME}", ["team", "state"]
)
LOAD = Gauge(
    "rapport_desk_load",
    f"What the agents of a team who are at work carry, in units of capacity. {SAME}",
    ["team"],
)
CAPACITY = Gauge(
    "rapport_desk_capacity", f"What the agents of a team who are at work can carry. {SAME}", ["team"]
)
TASKS = Gauge(
    "rapport_desk_tasks",
    f"Open tasks by team and state: open (all), overdue. {SAME}",
    ["team", "state"],
)
COMPLAINTS = Gauge(
    "rapport_desk_complaints",
    f"Open complaints; state: open (all), waiting (for the customer), overdue (a clock ran out, and its step "
    f"has not been taken). {SAME}",
    ["state"],
)
REFRESHED = Gauge(
    "rapport_desk_refreshed_timestamp_seconds",
    "When the interactions API last refreshed the gauges of the desk (wall clock).",
)
ERASURE_WAITS = Gauge(
    "rapport_erasure_waiting_seconds",
    f"For how long, of all erasures, one has waited at most for a service to say that it has nothing "
    f"left of the customer; 0 where none waits. {SAME}",
    ["service"],
)


def begin() -> None:
    """Counters at 0, where their labels are known: then a first one is a step that ``increase()`` sees."""
    begin_hooks(HOOK_NAMES)
    for service in SERVICES:
        ERASURE_WAITS.labels(service)
    for how in SILENCED_HOWS:
        SILENCED.labels(how)
    for how in ASSIGNED_HOWS:
        ASSIGNED.labels(how)
    for clock in get_args(ClockName):
        for result in TOLD.values():
            CLOCKS.labels(clock, result)


def show(found: on_hand.OnHand) -> None:
    """Set every gauge; a team that is gone goes."""
    for gauge in (CONVERSATIONS, OLDEST_WAIT, AGENTS, LOAD, CAPACITY, TASKS):
        gauge.clear()
    for team, one in found.teams.items():
        for gauge, counts, states in (
            (CONVERSATIONS, one.conversations, on_hand.CONVERSATIONS),
            (AGENTS, one.agents, on_hand.AGENTS),
            (TASKS, one.tasks, on_hand.TASKS),
        ):
            for state in states:
                gauge.labels(team, state).set(counts[state])
        OLDEST_WAIT.labels(team).set(one.oldest_s)
        LOAD.labels(team).set(one.load)
        CAPACITY.labels(team).set(one.capacity)
    for state in on_hand.COMPLAINTS:
        COMPLAINTS.labels(state).set(found.complaints[state])
    REFRESHED.set_to_current_time()


def show_erasures(waiting_since: Mapping[str, Micros | None], now: Micros) -> None:
    """Set the gauge of what services are waited for."""
    for service, since in waiting_since.items():
        ERASURE_WAITS.labels(service).set(0 if since is None else max(0, now - since) / SECOND)


def observe(plan: Plan[Any]) -> None:
    """Counts what a committed plan did."""
    for row in plan.appends.get(TIMELINE, ()):
        if row.get("note") == HUSHED.why:
            SILENCED.labels("heard").inc()
        elif row["type"] == ConversationAssigned.event_type:
            _count_assigned(json.loads(row["data"]))
        elif row["type"] in TOLD:
            CLOCKS.labels(json.loads(row["data"])["clock"], TOLD[row["type"]]).inc()
    for entry in plan.entries:
        if (entry.status or 0) >= 400 and (entry.body or {}).get("code") == BOT_SILENCED.code:
            SILENCED.labels("refused").inc()


def _count_assigned(told: Mapping[str, Any]) -> None:
    waited = (told.get("why") or {}).get("waited_s")
    if told.get("manual"):
        ASSIGNED.labels("manual").inc()
    elif isinstance(waited, int | float):
        ASSIGNED.labels("automatic").inc()
        WAITED_SECONDS.observe(waited)
    else:
        ASSIGNED.labels("told").inc()


begin()
