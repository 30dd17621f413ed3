"""What the Helm chart makes, by the renders that are kept: pods that are bounded, harmless and told what they
need. ``tests/chart`` has what needs helm."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from deploy.variables import variables
from rapport.__main__ import COMMANDS
from tests.rendered_chart import (
    SETUPS,
    Thing,
    each_setup,
    golden,
    named,
    of_kind,
    pods,
    process_of,
    selects,
)

SPARE_MIB = 256
"""What a worker's pod has beside its budget (docs/operating.md, "Memory")."""
KNOWN = variables()
COMPUTED = {"RAPPORT_HOST"}
BELONGING = ("Service", "PodDisruptionBudget")


def containers(setup: str) -> Iterator[tuple[str, Thing, Thing]]:
    for name, pod in pods(golden(setup)):
        for container in pod["spec"]["containers"]:
            yield name, pod, container


def env(container: Thing) -> dict[str, Mapping[str, Any]]:
    return {one["name"]: one for one in container["env"]}


def mib(text: str) -> int:
    assert text.endswith("Mi")
    return int(text.removesuffix("Mi"))


def test_there_are_six_set_ups() -> None:
    assert len(SETUPS) == 6


@each_setup
def test_every_process_is_deployed(setup: str) -> None:
    found = {process_of(thing["metadata"]["name"]) for thing in of_kind(golden(setup), "Deployment")}
    mail = {("interactions", "mail")} if setup == "cloud" else set()
    assert found == mail | {
        (s, k) for s in ("interactions", "loyalty", "followup", "metrics") for k in ("worker", "api")
    }


@each_setup
def test_a_pod_is_restricted(setup: str) -> None:
    """Pod Security Standards, "restricted", and CIS of pods (5.2, 5.7): no privilege, root or host."""
    for name, pod, container in containers(setup):
        spec, own = pod["spec"], container["securityContext"]
        assert spec["securityContext"]["runAsNonRoot"] is True, name
        assert spec["securityContext"]["runAsUser"] == 10001, name
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert own == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }, name
        assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys(), name
        assert all("hostPort" not in port for port in container.get("ports", ())), name
        allowed = {"configMap", "secret", "persistentVolumeClaim", "projected"}
        assert all(volume.keys() - {"name"} <= allowed for volume in spec.get("volumes", ())), name


@each_setup
def test_no_pod_has_a_token(setup: str) -> None:
    """CIS 5.1.5 and 5.1.6; nor is there a role that a token would be good for (5.1.1 to 5.1.4)."""
    for name, pod in pods(golden(setup)):
        assert pod["spec"]["automountServiceAccountToken"] is False, name
    assert list(of_kind(golden(setup), "Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding")) == []
    for account in of_kind(golden(setup), "ServiceAccount"):
        assert account["automountServiceAccountToken"] is False


@each_setup
def test_secrets_come_by_reference(setup: str) -> None:
    """CIS 5.4: the chart has none of its own, and no value of one is in a render."""
    assert list(of_kind(golden(setup), "Secret")) == []
    for name, _, container in containers(setup):
        for variable, told in env(container).items():
            if KNOWN[variable].secret:
                assert set(told["valueFrom"]) == {"secretKeyRef"}, (name, variable)


@each_setup
def test_everything_is_in_the_namespace_of_the_release(setup: str) -> None:
    """CIS 5.7.1 and 5.7.4: nothing falls into the default one."""
    wide = {"PriorityClass", "KafkaTopic"}
    for thing in golden(setup):
        if thing["kind"] not in wide and "noted" not in thing["metadata"]["name"]:
            assert thing["metadata"]["namespace"] == "shop", thing["metadata"]["name"]


@each_setup
def test_images_are_of_a_version(setup: str) -> None:
    for name, _, container in containers(setup):
        assert not container["image"].endswith((":", ":latest")), name
        assert ":" in container["image"], name


@each_setup
def test_a_process_is_bounded(setup: str) -> None:
    """Memory is not overcommitted, and a worker's budget leaves room for its code."""
    for name, _, container in containers(setup):
        bounds = container["resources"]
        assert bounds["limits"]["cpu"] == "1", name
        assert bounds["requests"]["cpu"], name
        assert bounds["requests"]["memory"] == bounds["limits"]["memory"], name
        if "RAPPORT_MEMORY_MIB" in env(container):
            budget = int(env(container)["RAPPORT_MEMORY_MIB"]["value"])
            assert mib(bounds["limits"]["memory"]) == budget + SPARE_MIB, name
            assert budget >= 64, name
        else:
            assert not name.endswith("-worker"), name


@each_setup
def test_probes_mean_what_the_pages_mean(setup: str) -> None:
    """Alive is the loop's progress, and ready is not; no outage may restart anything."""
    for name, _, container in containers(setup):
        probes = {kind: container.get(kind) for kind in ("startupProbe", "livenessProbe", "readinessProbe")}
        if container["name"] not in ("worker", "api", "mail"):
            assert not any(probes.values()), name
            continue
        asked = {kind: probe["httpGet"] for kind, probe in probes.items() if probe}
        assert asked["startupProbe"] == asked["livenessProbe"] == {"path": "/healthz", "port": "http"}, name
        assert asked["readinessProbe"] == {"path": "/readyz", "port": "http"}, name
        live = probes["livenessProbe"]
        assert live is not None
        assert live["periodSeconds"] * live["failureThreshold"] >= 60, name


@each_setup
def test_processes_are_started_by_the_command_line(setup: str) -> None:
    for name, _, container in containers(setup):
        program, *words = container["command"]
        assert program == "rapport", name
        if name.endswith(("-worker", "-api", "-mail")):
            assert words == ["run", *process_of(name)], name
        else:
            assert words[0] in COMMANDS, name


@each_setup
def test_variables_are_settings_of_the_service(setup: str) -> None:
    required = {name for name, variable in KNOWN.items() if variable.required}
    for name, _, container in containers(setup):
        told = env(container)
        assert told.keys() <= KNOWN.keys(), name
        if name.endswith(("-worker", "-api", "-mail")):
            service, _ = process_of(name)
            assert all(service in (KNOWN[one].services or (service,)) for one in told), name
            assert required <= told.keys(), name


@each_setup
def test_a_file_that_a_variable_names_is_mounted(setup: str) -> None:
    for name, pod, container in containers(setup):
        mounts = {mount["mountPath"]: mount["name"] for mount in container.get("volumeMounts", ())}
        volumes = {volume["name"] for volume in pod["spec"].get("volumes", ())}
        assert set(mounts.values()) == volumes, name
        for variable, told in env(container).items():
            if KNOWN[variable].file:
                assert any(told["value"].startswith(path) for path in mounts), (name, variable)


@each_setup
def test_workers_are_not_told_what_only_apis_need(setup: str) -> None:
    for name, _, container in containers(setup):
        if name.endswith("-worker"):
            assert (
                not {"RAPPORT_API_KEY", "RAPPORT_API_KEYS", "RAPPORT_JWT_SECRET"} & env(container).keys()
            ), name


@each_setup
def test_a_new_pod_comes_before_an_old_one_goes(setup: str) -> None:
    for thing in of_kind(golden(setup), "Deployment"):
        assert thing["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
        assert thing["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] >= 20


@each_setup
def test_pods_do_not_change_with_the_chart_alone(setup: str) -> None:
    for name, pod in pods(golden(setup)):
        assert "helm.sh/chart" not in pod["metadata"]["labels"], name


@each_setup
def test_selectors_take_their_own_and_no_other(setup: str) -> None:
    templates = {name: pod["metadata"]["labels"] for name, pod in pods(golden(setup))}
    for thing in of_kind(golden(setup), "Deployment"):
        own = thing["metadata"]["name"]
        assert [n for n, labels in templates.items() if selects(thing["spec"]["selector"], labels)] == [own]
    for thing in of_kind(golden(setup), *BELONGING):
        own, selector = thing["metadata"]["name"], thing["spec"]["selector"]
        selector = selector if "matchLabels" in selector else {"matchLabels": selector}
        assert [n for n, labels in templates.items() if selects(selector, labels)] == [own], thing["kind"]


@each_setup
def test_a_service_leads_to_a_port_of_its_pods(setup: str) -> None:
    ports = {
        thing["metadata"]["name"]: {p["name"] for c in _containers(thing) for p in c["ports"]}
        for thing in of_kind(golden(setup), "Deployment")
    }
    for thing in of_kind(golden(setup), "Service"):
        for port in thing["spec"]["ports"]:
            assert port["targetPort"] in ports[thing["metadata"]["name"]]


def _containers(thing: Thing) -> Any:
    return thing["spec"]["template"]["spec"]["containers"]


@each_setup
def test_hooks_come_in_order(setup: str) -> None:
    """Secrets, then topics, both before there is an account of ours."""
    weights = {
        thing["kind"]: int(notes["helm.sh/hook-weight"])
        for thing in of_kind(golden(setup), "Job", "ExternalSecret")
        if "pre-install" in (notes := thing["metadata"]["annotations"])["helm.sh/hook"]
    }
    assert weights.get("ExternalSecret", -100) < weights.get("Job", 0)
    for thing in of_kind(golden(setup), "Job"):
        if "pre-install" in thing["metadata"]["annotations"]["helm.sh/hook"]:
            assert thing["spec"]["template"]["spec"]["serviceAccountName"] == "default", (
                "ours is not there yet"
            )


def test_a_migration_runs_before_an_upgrade_and_is_told_everything() -> None:
    job = named(golden("ingress"), "Job", "rapport-migration-0")
    assert job["metadata"]["annotations"]["helm.sh/hook"] == "pre-upgrade"
    topics = named(golden("ingress"), "Job", "rapport-topics")["metadata"]["annotations"]
    assert int(topics["helm.sh/hook-weight"]) < int(job["metadata"]["annotations"]["helm.sh/hook-weight"])
    (container,) = job["spec"]["template"]["spec"]["containers"]
    assert container["command"] == ["rapport", "topics", "check"]
    assert {"RAPPORT_KAFKA", "RAPPORT_MONGO", "RAPPORT_SECRET_KEY"} <= env(container).keys()


def test_every_key_of_the_external_secret_is_used() -> None:
    (secret,) = of_kind(golden("cloud"), "ExternalSecret")
    made = {one["secretKey"] for one in secret["spec"]["data"]}
    used = {
        told["valueFrom"]["secretKeyRef"]["key"]
        for _, _, container in containers("cloud")
        for told in env(container).values()
        if told.get("valueFrom", {}).get("secretKeyRef", {}).get("name") == secret["spec"]["target"]["name"]
    }
    assert used == made


def test_without_hooks_nothing_is_one() -> None:
    hooks = [
        thing["metadata"]["name"]
        for thing in golden("gitops")
        if "helm.sh/hook" in thing["metadata"].get("annotations", {})
    ]
    assert hooks == []


def test_each_service_can_have_a_store_user_of_its_own() -> None:
    found = {
        process_of(name)[0]: env(container)["RAPPORT_MONGO"]["valueFrom"]["secretKeyRef"]["name"]
        for name, _, container in containers("ingress")
        if name.endswith("-worker")
    }
    assert found == {service: f"mongo-{service}" for service in found}


@pytest.mark.parametrize("setup", ["cloud", "ingress"])
def test_what_is_inside_stays_inside(setup: str) -> None:
    """Health and metrics are not reached from outside."""
    paths = set()
    for thing in of_kind(golden(setup), "Ingress"):
        paths |= {path["path"] for rule in thing["spec"]["rules"] for path in rule["http"]["paths"]}
    for thing in of_kind(golden(setup), "HTTPRoute"):
        for rule in thing["spec"]["rules"]:
            assert len(rule["matches"]) <= 8
            paths |= {match["path"]["value"] for match in rule["matches"]}
    assert {"/events", "/u", "/s", "/p"} <= paths
    assert not {"/", "/metrics", "/healthz", "/readyz"} & paths
