"""What the chart asks of Kafka's operators, of KEDA and of Prometheus is what the code has."""

import ast
import re
from itertools import chain

import pytest
import yaml

from deploy.grafana.declared import DECLARED
from deploy.helm.files import WRITES, rights
from deploy.helm.schema import values_schema
from rapport.topics import Retention, wanted
from shared.journal.drafting import TIMERS_A_STEP
from shared.schemas.services import SERVICES
from shared.schemas.topics import DEAD_LETTER_SUFFIX, TYPES
from tests.rendered_chart import ROOT, Thing, each_setup, golden, named, of_kind, pods, selects

WITH_STRIMZI = pytest.mark.parametrize(("setup", "partitions"), [("strimzi", 12), ("certificates", 8)])
BY_CLASS = {cls.__name__: cls.topic for cls in TYPES.values()}


@WITH_STRIMZI
def test_topics_are_those_that_are_applied(setup: str, partitions: int) -> None:
    made = {thing["metadata"]["name"]: thing["spec"] for thing in of_kind(golden(setup), "KafkaTopic")}
    assert made.keys() == {topic.name for topic in wanted(partitions, Retention())}
    for topic in wanted(partitions, Retention()):
        spec = made[topic.name]
        assert spec["partitions"] == partitions
        assert {name: str(spec["config"][name]) for name in topic.configs} == dict(topic.configs)


@WITH_STRIMZI
def test_an_uninstall_leaves_the_data(setup: str, partitions: int) -> None:
    for thing in of_kind(golden(setup), "KafkaTopic"):
        assert thing["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"


@WITH_STRIMZI
def test_nobody_else_makes_topics(setup: str, partitions: int) -> None:
    assert not [job for job in of_kind(golden(setup), "Job") if job["metadata"]["name"].endswith("-topics")]


def rules(user: Thing) -> dict[tuple[str, str], set[str]]:
    return {
        (rule["resource"]["type"], rule["resource"]["name"]): set(rule["operations"])
        for rule in user["spec"]["authorization"]["acls"]
    }


@pytest.mark.parametrize("service", SERVICES)
def test_a_user_may_do_what_its_service_does_and_no_more(service: str) -> None:
    found = rules(named(golden("strimzi"), "KafkaUser", f"rapport-{service}"))
    assert found.pop(("group", f"rapport-{service}")) == {"Read"}
    may = rights()[service]
    for (kind, topic), operations in found.items():
        assert kind == "topic"
        assert ("Read" in operations) == (topic in may["reads"])
        assert ("Write" in operations) == (topic in may["writes"])
        assert operations <= {"Read", "Write", "Describe"}
    assert {topic for _, topic in found} == {*may["reads"], *may["writes"]}


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_may_write_what_it_makes(service: str) -> None:
    """Every event class that its code calls is of a topic that it may write."""
    made = set()
    for path in (ROOT / "services" / service).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                called = getattr(node.func, "id", getattr(node.func, "attr", ""))
                made |= {BY_CLASS[called]} if called in BY_CLASS else set()
    assert made
    assert made <= set(WRITES[service])


def test_only_interactions_writes_all() -> None:
    everything = {topic.name for topic in wanted(1)}
    assert {service for service in SERVICES if set(rights()[service]["writes"]) == everything} == {
        "interactions"
    }


def test_a_service_keeps_dead_letters_of_what_it_reads() -> None:
    for may in rights().values():
        assert {topic + DEAD_LETTER_SUFFIX for topic in may["reads"]} <= set(may["writes"])
        assert not any(topic.endswith(DEAD_LETTER_SUFFIX) for topic in may["reads"])


def test_workers_scale_between_one_and_the_partitions() -> None:
    found = list(of_kind(golden("strimzi"), "ScaledObject"))
    assert len(found) == len(SERVICES)
    for thing in found:
        spec = thing["spec"]
        assert spec["maxReplicaCount"] == 12
        assert spec["minReplicaCount"] >= 1
        assert "idleReplicaCount" not in spec
        down = spec["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]["scaleDown"]
        assert down["stabilizationWindowSeconds"] >= 300
        assert down["policies"] == [{"type": "Pods", "value": 1, "periodSeconds": 300}]


def test_triggers_ask_for_metrics_that_are_declared() -> None:
    for thing in of_kind(golden("strimzi"), "ScaledObject"):
        service = thing["spec"]["scaleTargetRef"]["name"].split("-")[1]
        queries = [trigger["metadata"]["query"] for trigger in thing["spec"]["triggers"]]
        asked = [re.findall(r"rapport_\w+", query) for query in queries]
        assert asked == [["rapport_lag_seconds"], ["rapport_timers_due"]][: 1 if service == "metrics" else 2]
        for name, query in zip(chain.from_iterable(asked), queries, strict=True):
            assert "service" in DECLARED[name].labels
            assert f'service="{service}",namespace="shop"' in query


def test_a_worker_that_never_gets_to_the_end_of_its_timers_asks_for_more() -> None:
    """It tells of one step's timers at most, so a threshold above that would never be reached."""
    for thing in of_kind(golden("strimzi"), "ScaledObject"):
        for trigger in thing["spec"]["triggers"]:
            if trigger["name"] == "timers":
                assert int(trigger["metadata"]["threshold"]) < TIMERS_A_STEP
    assert (
        values_schema()["properties"]["workers"]["properties"]["autoscaling"]["properties"]["timersDue"][
            "maximum"
        ]
        < TIMERS_A_STEP
    )


@pytest.mark.parametrize("setup", ["strimzi", "cloud"])
def test_who_is_scaled_has_no_number_of_its_own(setup: str) -> None:
    """An upgrade would set it back."""
    scaled = {
        thing["spec"]["scaleTargetRef"]["name"]
        for thing in of_kind(golden(setup), "ScaledObject", "HorizontalPodAutoscaler")
    }
    deployed = {thing["metadata"]["name"]: thing["spec"] for thing in of_kind(golden(setup), "Deployment")}
    assert scaled
    assert scaled <= deployed.keys()
    for name, spec in deployed.items():
        assert ("replicas" in spec) == (name not in scaled), name


@each_setup
def test_no_service_has_more_workers_than_partitions(setup: str) -> None:
    for thing in of_kind(golden(setup), "Deployment"):
        if thing["metadata"]["name"].endswith("-worker") and "replicas" in thing["spec"]:
            (told,) = (
                int(one["value"])
                for one in thing["spec"]["template"]["spec"]["containers"][0]["env"]
                if one["name"] == "RAPPORT_PARTITIONS"
            )
            assert 1 <= thing["spec"]["replicas"] <= told


def test_prometheus_reads_every_process_as_the_rules_know_it() -> None:
    """The job is `rapport`, and `service` is what Rapport says, not the name of a Service."""
    (monitor,) = of_kind(golden("strimzi"), "ServiceMonitor")
    (endpoint,) = monitor["spec"]["endpoints"]
    assert endpoint["honorLabels"] is True
    assert "service" in endpoint["relabelings"][0]["regex"].split("|")
    services = list(of_kind(golden("strimzi"), "Service"))
    assert len(services) == 2 * len(SERVICES)
    for service in services:
        labels = service["metadata"]["labels"]
        assert selects(monitor["spec"]["selector"], labels)
        assert labels[monitor["spec"]["jobLabel"]] == "rapport"
        assert [port["name"] for port in service["spec"]["ports"]] == [endpoint["port"]]


def test_a_worker_that_waits_is_read_too() -> None:
    for service in of_kind(golden("strimzi"), "Service"):
        if service["metadata"]["name"].endswith("-worker"):
            assert service["spec"]["publishNotReadyAddresses"] is True
            assert service["spec"]["clusterIP"] == "None"


def test_rules_are_those_of_the_repository_but_for_where_runbooks_are() -> None:
    """Few set Prometheus' external labels in Kubernetes: the chart's values say it where these do not."""
    otherwise = "{{ else }}https://docs.example/rapport{{ end }}"
    for name in ("rules", "objectives"):
        made = named(golden("strimzi"), "PrometheusRule", f"rapport-{name}")
        text = (ROOT / "deploy" / "prometheus" / f"{name}.yaml").read_text(encoding="utf-8")
        assert made["spec"] == yaml.safe_load(text.replace("{{ else }}docs{{ end }}", otherwise))
        assert otherwise in text.replace("{{ else }}docs{{ end }}", otherwise)


def test_every_dashboard_is_there() -> None:
    made = {
        thing["metadata"]["name"].removeprefix("rapport-dashboard-")
        for thing in of_kind(golden("strimzi"), "ConfigMap")
        if thing["metadata"]["labels"].get("grafana_dashboard") == "1"
    }
    assert made == {path.stem for path in (ROOT / "deploy" / "grafana" / "dashboards").glob("*.json")}


@each_setup
def test_nothing_comes_in_and_nothing_goes_out_but_what_is_named(setup: str) -> None:
    policies = {
        thing["metadata"]["name"].split("-", 1)[1]: thing["spec"]
        for thing in of_kind(golden(setup), "NetworkPolicy")
    }
    if setup == "gitops":
        assert policies == {}
        return
    labels = [pod["metadata"]["labels"] for _, pod in pods(golden(setup))]
    assert all(selects(policies["deny"]["podSelector"], one) for one in labels)
    assert policies["deny"].keys() == {"podSelector", "policyTypes"}
    assert set(policies["deny"]["policyTypes"]) == {"Ingress", "Egress"}
    assert {"dns", "kafka", "mongo", "mail", "inside", "clients"} <= policies.keys()
    for spec in policies.values():
        for rule in (*spec.get("ingress", ()), *spec.get("egress", ())):
            assert rule["ports"]
        for rule in spec.get("ingress", ()):
            assert rule["from"], "an empty list would be everybody"
    mail = [
        one["app.kubernetes.io/component"] for one in labels if selects(policies["mail"]["podSelector"], one)
    ]
    assert mail == ["followup-worker"]
