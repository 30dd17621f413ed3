"""Values that are wrong: helm ends with a sentence that names the value, before anything is changed."""

from pathlib import Path

import pytest

from deploy.helm.schema import RENAMED, RENAMED_IN_SERVICE
from tests.rendered_chart import complaint, render, values

SMALL = values("small")


def refused(*sets: str) -> str:
    """What is said of the small set-up with these values beside."""
    return complaint("--values", SMALL, *(word for one in sets for word in ("--set", one)))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        # Unknown keys, wherever they are.
        ("sise=large", "additional properties 'sise' not allowed"),
        ("workers.replica=3", "at '/workers': additional properties 'replica' not allowed"),
        (
            "services.loyality.worker.replicas=2",
            "at '/services': additional properties 'loyality' not allowed",
        ),
        ("workers.autoscaling.enable=true", "at '/workers/autoscaling': additional properties 'enable'"),
        # What templates need, taken away.
        ("services.loyalty=null", "at '/services': missing property 'loyalty'"),
        ("settings=null", "at '': missing property 'settings'"),
        ("networkPolicy.from=null", "at '/networkPolicy': missing property 'from'"),
        # Values of another kind.
        ("runAsUser=0", "at '/runAsUser': minimum: got 0, want 1"),
        ("size=huge", "at '/size': value must be one of 'small', 'medium', 'large'"),
        ("workers.replicas=two", "at '/workers/replicas': got string, want integer"),
        (
            "workers.autoscaling.minReplicas=0",
            "at '/workers/autoscaling/minReplicas': minimum: got 0, want 1",
        ),
        ("workers.memoryMiB=128", "at '/workers/memoryMiB': minimum: got 128, want 320"),
        ("networkPolicy.kafka.ports[0]=99999", "at '/networkPolicy/kafka/ports/0': maximum"),
        (
            "hosts.loyalty=https://points.example",
            "hosts.loyalty is https://points.example: give a name in small letters alone",
        ),
        ("hosts.loyalty=points.example:8443", "hosts.loyalty is points.example:8443: give a name"),
        ("clv.schedule=nightly", "at '/clv/schedule': 'nightly' does not match pattern"),
        ("clv.memoryMiB=64", "at '/clv/memoryMiB': minimum: got 64, want 256"),
        ("podDisruptionBudget.maxUnavailable=0%", "at '/podDisruptionBudget/maxUnavailable'"),
        ("podDisruptionBudget.maxUnavailable=0", "at '/podDisruptionBudget/maxUnavailable'"),
        (
            r"podLabels.app\.kubernetes\.io/component=shop",
            "podLabels.app.kubernetes.io/component: the chart finds its pods by it",
        ),
        # Variables.
        ("settings.RAPPORT_KAFKAA=a:1", "settings.RAPPORT_KAFKAA: no service knows RAPPORT_KAFKAA"),
        (
            "settings.rapport_kafka=a:1",
            "settings.rapport_kafka: no service knows rapport_kafka; it is RAPPORT_KAFKA.",
        ),
        ("settings.KAFKA=a:1", "settings.KAFKA: no service knows KAFKA; it is RAPPORT_KAFKA."),
        (
            "services.loyalty.secrets.mongo.secret=a,services.loyalty.secrets.mongo.key=b",
            "services.loyalty.secrets.mongo: no service knows mongo; it is RAPPORT_MONGO.",
        ),
        ("files.program.text=a", "files.program: no service knows program; it is RAPPORT_PROGRAM."),
        (
            "files.RAPPORT_PROGRAM.key=a",
            "files.RAPPORT_PROGRAM: say where it is, in one of three ways: {text",
        ),
        (
            "files.RAPPORT_PROGRAM.text=a,files.RAPPORT_PROGRAM.secret=b",
            "files.RAPPORT_PROGRAM: say where it is, in one of three ways: {text",
        ),
        (
            "files.RAPPORT_PROGRAM=points",
            "files.RAPPORT_PROGRAM: say where it is, in one of three ways: {text",
        ),
        (
            "files.RAPPORT_PROGRAM.configmap=a",
            "files.RAPPORT_PROGRAM: say where it is, in one of three ways: {text",
        ),
        (
            "secrets.RAPPORT_MONGO=mongodb://u:p@host",
            "secrets.RAPPORT_MONGO: name the Secret that it lies in",
        ),
        ("secrets.RAPPORT_MONGO.key=", "secrets.RAPPORT_MONGO: name the Secret that it lies in"),
        ("secrets.RAPPORT_MONGO.keys=a", "secrets.RAPPORT_MONGO: name the Secret that it lies in"),
        ("secrets.RAPPORT_MONGO.key[0]=a", "secrets.RAPPORT_MONGO: name the Secret that it lies in"),
        (
            "services.loyalty.worker.secrets.RAPPORT_MONGO.secret=a",
            "services.loyalty.worker.secrets.RAPPORT_MONGO: name the Secret that it lies in",
        ),
        (
            "settings.RAPPORT_SECRET_KEY=0123456789abcdef",
            "settings.RAPPORT_SECRET_KEY: it is a secret; put it into a Secret and name that: "
            "secrets.RAPPORT_SECRET_KEY",
        ),
        ("settings.RAPPORT_MONGO=mongodb://u:p@host", "settings.RAPPORT_MONGO: it is a secret"),
        (
            "settings.RAPPORT_PROGRAM=/program.yaml",
            "settings.RAPPORT_PROGRAM: it names a file, which no pod has: give the file under files.RAPPORT",
        ),
        ("files.RAPPORT_CLOCK.text=wall", "files.RAPPORT_CLOCK: it is no file; use settings.RAPPORT_CLOCK"),
        ("settings.RAPPORT_PARTITIONS=8", "settings.RAPPORT_PARTITIONS: the chart sets it by `partitions`"),
        ("settings.RAPPORT_MEMORY_MIB=512", "settings.RAPPORT_MEMORY_MIB: the chart sets it by `size"),
        (
            "services.loyalty.settings.RAPPORT_SMTP_HOST=mail",
            "services.loyalty.settings.RAPPORT_SMTP_HOST: loyalty does not read it; followup does",
        ),
        ("settings.RAPPORT_MONGO=mongodb://db", "RAPPORT_MONGO is under settings and under secrets"),
        ("extraObjects={a}", "extraObjects[0]: no object of Kubernetes"),
        ("extraObjects[0].kind=ConfigMap", "extraObjects[0]: no object of Kubernetes"),
        ("extraObjects[0].metadata=a", "extraObjects[0]: no object of Kubernetes"),
        # What nothing would get to.
        (
            "settings.RAPPORT_JWKS_URL=https://login.example/keys",
            "Set networkPolicy.web.ports (such as [443]): until then nothing gets to RAPPORT_JWKS_URL",
        ),
        (
            "services.followup.settings.RAPPORT_WEBHOOK_URL=https://sms.example",
            "nothing gets to RAPPORT_WEBHOOK_URL",
        ),
        # What is missing.
        ("settings.RAPPORT_KAFKA=", "Set settings.RAPPORT_KAFKA: the Kafka bootstrap servers"),
        ("secrets.RAPPORT_MONGO=null", "Set secrets.RAPPORT_MONGO: {secret: …, key: …}: the MongoDB URI"),
        ("secrets.RAPPORT_SECRET_KEY=null", "Set secrets.RAPPORT_SECRET_KEY"),
        (
            "services.loyalty.worker.secrets.RAPPORT_MONGO=null",
            "Set services.loyalty.worker.secrets.RAPPORT_MONGO: {secret: …, key: …}: the MongoDB URI",
        ),
        ("secrets.RAPPORT_API_KEY=null", "Set secrets.RAPPORT_API_KEY, or check.enabled: false"),
        # Replicas and partitions.
        ("workers.replicas=5", "workers.replicas is 5 and there are 4 partitions"),
        (
            "services.metrics.worker.replicas=6",
            "services.metrics.worker.replicas is 6 and there are 4 partitions",
        ),
        ("partitions=1", "workers.replicas is 2 and there are 1 partitions"),
    ],
)
def test_a_value_that_is_wrong_is_named(wrong: str, said: str) -> None:
    assert said in refused(wrong)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (
            (
                "workers.autoscaling.enabled=true",
                "workers.autoscaling.prometheus=http://p",
                "workers.autoscaling.maxReplicas=9",
            ),
            "workers.autoscaling.maxReplicas is 9 and there are 4 partitions",
        ),
        (("workers.autoscaling.enabled=true",), "Set workers.autoscaling.prometheus"),
        (
            (
                "workers.autoscaling.enabled=true",
                "workers.autoscaling.prometheus=http://p",
                "services.loyalty.worker.replicas=3",
            ),
            "services.loyalty.worker.replicas: workers.autoscaling decides how many there are; leave it out",
        ),
        (
            ("apis.autoscaling.enabled=true", "services.loyalty.api.replicas=3"),
            "services.loyalty.api.replicas: apis.autoscaling decides how many there are; leave it out",
        ),
        (
            (
                "workers.autoscaling.enabled=true",
                "workers.autoscaling.prometheus=http://p",
                "workers.autoscaling.minReplicas=7",
            ),
            "workers.autoscaling.minReplicas is 7",
        ),
        (
            ("apis.autoscaling.enabled=true", "apis.autoscaling.minReplicas=9"),
            "apis.autoscaling.minReplicas is 9",
        ),
        (("strimzi.topics.enabled=true",), "Set strimzi.cluster"),
        (
            ("strimzi.users.enabled=true", "strimzi.cluster=shop"),
            "strimzi.users.enabled needs strimzi.topics.enabled",
        ),
        (
            ("strimzi.topics.enabled=true", "strimzi.cluster=shop", "strimzi.topics.replicas=1"),
            "strimzi.topics.minInSyncReplicas is above",
        ),
        (("ingress.enabled=true",), "Set hosts.interactions"),
        (("httpRoute.enabled=true", "hosts.followup=links.example"), "Set httpRoute.parentRefs"),
        (("monitoring.serviceMonitor.enabled=true",), "Set networkPolicy.from.prometheus"),
        (("externalSecrets.enabled=true",), "Set externalSecrets.store.name"),
        (
            (
                "externalSecrets.enabled=true",
                "externalSecrets.store.name=vault",
                "externalSecrets.data.secret-key.key=shop",
            ),
            "RAPPORT_MONGO: externalSecrets makes the Secret rapport, and no key mongo in it",
        ),
        (
            (
                "settings.RAPPORT_KAFKA=",
                "secrets.RAPPORT_KAFKA.secret=kafka",
                "secrets.RAPPORT_KAFKA.key=servers",
            ),
            "Set networkPolicy.kafka.ports",
        ),
    ],
)
def test_values_that_do_not_go_together_are_named(wrong: tuple[str, ...], said: str) -> None:
    assert said in refused(*wrong)


def test_a_secret_among_the_values_is_not_shown() -> None:
    said = refused("secrets.RAPPORT_MONGO=mongodb://user:hunter2@host")
    assert "hunter2" not in said


def test_replicas_of_null_are_as_if_left_out() -> None:
    """So that somebody can take back what a file of values before says."""
    kept = "services.loyalty.worker.replicas=null,services.loyalty.api.replicas=null"
    assert render("--values", SMALL, "--set", kept) == render("--values", SMALL)
    scaled = "workers.autoscaling.enabled=true,workers.autoscaling.prometheus=http://p"
    assert render("--values", SMALL, "--set", f"{scaled},{kept}") == render(
        "--values", SMALL, "--set", scaled
    )


def test_an_ingress_that_could_reach_nothing_is_named() -> None:
    nobody = ("--set-json", "networkPolicy.from.clients=[]")
    outside = ("--set", "ingress.enabled=true", "--set", "hosts.followup=links.example")
    assert "Set networkPolicy.from.clients" in complaint("--values", SMALL, *nobody, *outside)


@pytest.mark.parametrize("name", RENAMED)
def test_a_value_that_is_called_otherwise_is_told_its_name(name: str) -> None:
    assert f"`{name}` is `" in refused(f"{name}.enabled=true")


@pytest.mark.parametrize("name", RENAMED_IN_SERVICE)
def test_a_value_of_a_service_that_is_called_otherwise_is_told_its_name(name: str) -> None:
    assert f"`services.loyalty.{name}` is `" in refused(f"services.loyalty.{name}=1")


def test_a_variable_in_small_letters_is_blamed_on_nothing_else() -> None:
    """The validator of Helm once named places that have nothing wrong, such as nodeSelector."""
    assert " at '" not in refused("settings.rapport_kafka=a:1")


def test_all_that_is_wrong_is_said_at_once() -> None:
    said = refused("workers.replicas=5", "settings.RAPPORT_KAFKA=", "settings.RAPPORT_NONE=1")
    assert said.count("workers.replicas is 5") == 1
    assert "Set settings.RAPPORT_KAFKA" in said
    assert "settings.RAPPORT_NONE" in said


def test_nothing_at_all_says_what_is_needed() -> None:
    assert (
        "Set settings.RAPPORT_KAFKA: the Kafka bootstrap servers, host:port, comma-separated" in complaint()
    )


def test_a_file_of_values_is_checked_as_well(tmp_path: Path) -> None:
    file = tmp_path / "values.yaml"
    file.write_text("settings: {RAPPORT_KAFKA: 'a:1'}\nworkerz: {replicas: 2}\n", encoding="utf-8")
    assert "additional properties 'workerz' not allowed" in complaint("--values", file)
