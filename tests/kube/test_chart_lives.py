"""The chart's life on a real cluster: installed, rolled, killed, drained, cut off, uninstalled, upgraded. The
tests go in this order, on one release; at the end every balance is what a recomputation gives."""

import subprocess
import time
from pathlib import Path

from tests.faults.platform import Platform
from tests.kube import cluster
from tests.kube.cluster import KINDS, RELEASE, SELECTOR, all_ready, helm, kubectl, pods, rollout, until
from tests.kube.conftest import CHART, PARTITIONS
from tests.kube.till import Till
from tests.told import Ticking, say

LOYALTY = "loyalty-worker"
PODS = 8 + PARTITIONS - 1
OUTAGE_SECONDS = 90
INSTALL = ("--wait", "--timeout", "20m")


def settled(platform: Platform, till: Till) -> None:
    """All that was sold is booked; each balance is its ledger's sum, what was told of it, and right."""
    with Ticking(f"waiting until {till.sent} events are handled"):
        platform.wait_caught_up("loyalty", cluster.MARGIN)
    members = platform.members(till.expected)
    for customer, expected in till.expected.items():
        found = members[customer]
        assert (found.balance, found.ledger_sum, found.told_sum) == (expected,) * 3, customer
        assert found.ledger_entries == found.told_entries
    say(f"{till.sent} events, {len(members)} balances, each exact")


def test_it_installs_and_checks_itself(values: Path, platform: Platform, till: Till) -> None:
    """helm waits until all is ready, and for the Job that sends a purchase and reads its points back."""
    with Ticking("helm install --wait, topics before and a check after"):
        helm("install", RELEASE, CHART, "--values", values, *INSTALL)
    all_ready(PODS)
    assert not cluster.objects("jobs"), "both have done their work and are gone"
    till.sell(5)
    settled(platform, till)


def test_as_many_workers_as_partitions_roll_under_load(platform: Platform, till: Till) -> None:
    """The one too many is a standby, and ready: else a rolling update would wait for it for ever."""
    assert len(pods(LOYALTY)) == PARTITIONS
    before = {pod["metadata"]["uid"] for pod in pods(LOYALTY)}
    with till.open():
        began = time.monotonic()
        rollout(LOYALTY)
        say(f"{PARTITIONS} workers rolled in {time.monotonic() - began:.0f} s")
        rollout("interactions-worker")
    until(lambda: len(pods(LOYALTY)) == PARTITIONS, "the old ones are gone")
    assert before.isdisjoint(pod["metadata"]["uid"] for pod in pods(LOYALTY))
    settled(platform, till)


def test_pods_killed_at_once_lose_nothing(platform: Platform, till: Till) -> None:
    with till.open():
        for _ in range(3):
            victim = pods(LOYALTY)[0]["metadata"]["name"]
            kubectl("delete", "pod", victim, "--grace-period=0", "--force")
            say(f"{victim} was killed")
            all_ready(PODS)
    settled(platform, till)


def test_a_node_is_drained_one_pod_of_each_at_a_time(platform: Platform, till: Till) -> None:
    node = pods(LOYALTY)[0]["spec"]["nodeName"]
    before = {pod["metadata"]["uid"] for pod in pods()}
    drain = [
        "kubectl",
        "drain",
        node,
        f"--pod-selector={SELECTOR}",
        "--delete-emptydir-data",
        "--timeout=900s",
    ]
    with till.open(), subprocess.Popen(drain, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as draining:
        until(lambda: len({p["metadata"]["uid"] for p in pods()} & before) < PODS, "a pod has been evicted")
        here = [p for p in pods(LOYALTY) if p["metadata"]["uid"] in before]
        assert len(here) >= PARTITIONS - 1, "the budget keeps all but one"
        kubectl("uncordon", node)
        out, _ = draining.communicate(timeout=900)
        assert draining.returncode == 0, out.decode()
    kubectl("uncordon", node)
    all_ready(PODS)
    assert before.isdisjoint(pod["metadata"]["uid"] for pod in pods() if pod["spec"]["nodeName"] == node)
    settled(platform, till)


def test_an_outage_restarts_nothing(platform: Platform, till: Till) -> None:
    """Broker and store answer nothing for a minute and a half: pods are unready, and none is restarted."""
    before = cluster.restarts()
    till.sell(3)
    began = time.monotonic()
    with platform.frozen("kafka", "mongo"):
        until(lambda: not any(map(cluster.ready, pods(LOYALTY))), "the workers say that they are not ready")
        until(lambda: time.monotonic() - began > OUTAGE_SECONDS, "the outage is over")
        assert cluster.restarts() == before
    till.sell(3)
    all_ready(PODS)
    assert cluster.restarts() == before
    settled(platform, till)


def test_uninstalled_it_leaves_nothing_but_the_data(values: Path, platform: Platform, till: Till) -> None:
    helm("uninstall", RELEASE, "--wait")
    until(lambda: not cluster.objects(KINDS), "all objects of the release are gone")
    names = kubectl("get", KINDS, "-o", "name").split()
    ours = [name for name in names if RELEASE in name]
    assert ours == ["secret/rapport"], "the one that was there before"
    settled(platform, till)


def test_the_version_before_is_upgraded_under_load(
    values: Path, platform: Platform, till: Till, chart_before: Path
) -> None:
    """On the data that the first release left."""
    with Ticking("helm install of the version before"):
        helm("install", RELEASE, chart_before, "--values", values, *INSTALL)
    with till.open(), Ticking("helm upgrade"):
        helm("upgrade", RELEASE, CHART, "--values", values, *INSTALL)
    all_ready(PODS)
    assert set(cluster.restarts().values()) == {0}
    settled(platform, till)
    helm("uninstall", RELEASE, "--wait")
