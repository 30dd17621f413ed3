"""Where integration tests take Kafka and MongoDB from, as STACK says."""

import ast
from pathlib import Path

import pytest

from tests import containers, servers
from tests.sharing import on_the_platform


@pytest.fixture(autouse=True)
def docker(monkeypatch: pytest.MonkeyPatch) -> dict[str, bool]:
    """A daemon that has images and can pull none; a test says what it has."""
    there = {"daemon": True, "kafka": True, "mongo": True}

    def has(image: str) -> bool:
        return there["kafka" if "kafka" in image else "mongo"]

    def pull(*words: str) -> str:
        raise containers.DockerError("no registry answers")

    monkeypatch.setattr(containers, "answers", lambda: there["daemon"])
    monkeypatch.setattr(containers, "has_image", has)
    monkeypatch.setattr(containers, "docker", pull)
    return there


def test_containers_where_they_can_be() -> None:
    contained, said = servers.choose({})
    assert contained
    assert "apache/kafka:4" in said
    assert "mongo:7" in said
    other = servers.choose({"STACK_KAFKA": "stack-kafka:local"})
    assert "stack-kafka:local and mongo:7" in other[1]


@pytest.mark.parametrize(
    ("missing", "said"), [("daemon", "no Docker daemon answers"), ("mongo", "mongo:7 is not there")]
)
def test_else_the_embedded_parts_and_why(docker: dict[str, bool], missing: str, said: str) -> None:
    docker[missing] = False
    contained, told = servers.choose({"STACK": "auto"})
    assert not contained
    assert said in told
    with pytest.raises(servers.NoServersError, match=said):
        servers.choose({"STACK": "containers"})


def test_the_embedded_parts_when_asked_for() -> None:
    assert servers.choose({"STACK": "embedded"})[0] is False
    with pytest.raises(servers.NoServersError, match="use auto, containers, embedded"):
        servers.choose({"STACK": "docker"})


def test_the_broker_in_a_container_has_the_settings_of_the_embedded_one() -> None:
    told = servers._kafka(30_000)
    assert told["KAFKA_ADVERTISED_LISTENERS"] == "PLAINTEXT://127.0.0.1:30000"
    assert told["KAFKA_LISTENERS"].startswith("PLAINTEXT://0.0.0.0:9092")
    assert told["KAFKA_GROUP_MIN_SESSION_TIMEOUT_MS"] == "1000"
    assert "KAFKA_CONTROLLER_QUORUM_BOOTSTRAP_SERVERS" not in told


def test_what_asks_for_the_platform_is_known_by_its_text() -> None:
    """Else a second process would start another."""
    tests = Path(__file__).parents[2]
    for file in [*tests.glob("integration/test_*.py"), *tests.glob("contract/test_*.py")]:
        functions = [one for one in ast.walk(ast.parse(file.read_text("utf-8"))) if hasattr(one, "args")]
        named = {one.name for one in functions if isinstance(one, ast.FunctionDef)}
        taken = {arg.arg for one in functions for arg in getattr(one.args, "args", ())}
        assert on_the_platform(file) == ("stack" in taken and "stack" not in named), file.name
