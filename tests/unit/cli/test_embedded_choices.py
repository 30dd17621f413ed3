"""Which Java, which MongoDB server, which ports, which parts."""

import socket
from pathlib import Path

import pytest

from rapport.backoff import Backoff
from rapport.embedded import java, kafka, mongo, ports, stack
from rapport.embedded.jars import Jar, cache_folder, certificates, listed, missing
from rapport.embedded.java import Java
from rapport.embedded.part import PartFailedError, tail
from rapport.embedded.ports import Where
from rapport.home import Home
from rapport.trouble import TroubleError, diagnose


@pytest.mark.parametrize(
    ("text", "major"),
    [
        ('openjdk version "17.0.15" 2025-04-15', 17),
        ('java version "1.8.0_402"', 8),
        ('openjdk version "25" 2025-09-16', 25),
        ("The operation couldn't be completed. Unable to locate a Java Runtime.", None),
    ],
)
def test_java_versions(text: str, major: int | None) -> None:
    assert java.parse_version(text) == major


def test_the_systems_java_goes_first_if_new_enough() -> None:
    system, old, bundled = Java(Path("/s"), 17), Java(Path("/o"), 11), Java(Path("/b"), 25, bundled=True)
    assert java.choose(system, bundled) == system
    assert java.choose(old, bundled) == bundled
    assert java.choose(None, bundled) == bundled


def test_no_java_is_a_sentence_that_says_what_to_do() -> None:
    with pytest.raises(TroubleError, match=r"no Java on PATH.*Install Java 17"):
        java.choose(None, None)
    with pytest.raises(TroubleError, match="the Java on PATH is 11"):
        java.choose(Java(Path("/o"), 11), None)


def test_every_jar_is_named_once_with_its_digest() -> None:
    jars = listed()
    assert len({jar.filename for jar in jars}) == len(jars) > 40
    assert all(len(jar.sha256) == 64 and jar.size > 0 for jar in jars)
    assert Jar("org.slf4j:slf4j-simple:1.7.36", 15433, "").filename == "slf4j-simple-1.7.36.jar"


def test_what_the_cache_lacks(tmp_path: Path) -> None:
    cache = cache_folder({"XDG_CACHE_HOME": str(tmp_path)})
    assert missing(cache) == listed()
    library = next(cache.parent.glob("rapport")) if cache.exists() else cache
    library = library / f"kafka-{kafka.jars.KAFKA_VERSION}"
    library.mkdir(parents=True)
    (library / listed()[0].filename).touch()
    assert missing(cache) == listed()[1:]


def test_a_cluster_id_is_never_taken_for_an_option() -> None:
    ids = {kafka.cluster_id() for _ in range(300)}
    assert len(ids) == 300
    assert not any(made.startswith("-") for made in ids)
    assert {len(made) for made in ids} == {22}


def test_secantusd_gets_the_options_that_it_knows() -> None:
    python = "--host HOST --port PORT --storage-path PATH --log-level {WARNING} --sync-on-commit"
    assert mongo.arguments(python, 7, Path("/d")) == [
        *("--host", "127.0.0.1", "--port", "7", "--storage-path", "/d", "--log-level", "WARNING"),
        "--sync-on-commit",
    ]
    assert mongo.arguments("--port --dbpath", 7, Path("/d")) == ["--port", "7", "--dbpath", "/d"]


def test_an_unknown_mongo_server_is_a_sentence() -> None:
    with pytest.raises(TroubleError, match="RAPPORT_MONGO_SERVER"):
        mongo.choose({"RAPPORT_MONGO_SERVER": "mongod"})
    with pytest.raises(TroubleError, match="not on PATH"):
        mongo.choose({"RAPPORT_MONGO_SERVER": "secantusd-rs", "PATH": ""})


def test_ports_last_are_fixed_and_must_be_free(tmp_path: Path) -> None:
    home = Home(tmp_path)
    first = ports.choose(home, ("kafka", "loyalty-api"), {})
    assert len(set(first.values())) == 2
    assert ports.choose(home, ("kafka", "loyalty-api"), {}) == first
    with socket.socket() as taken:
        taken.bind((ports.HOST, first["kafka"]))
        taken.listen()
        assert ports.choose(home, ("kafka",), {})["kafka"] != first["kafka"]
        fixed = {"RAPPORT_LOYALTY_PORT": str(first["kafka"])}
        with pytest.raises(TroubleError, match=r"in use.*RAPPORT_LOYALTY_PORT"):
            ports.choose(home, ("loyalty-api",), fixed)
    assert ports.choose(home, ("loyalty-api",), fixed) == {"loyalty-api": first["kafka"]}


@pytest.mark.parametrize("text", ["x", "0", "70000"])
def test_a_port_must_be_one(tmp_path: Path, text: str) -> None:
    with pytest.raises(TroubleError, match="RAPPORT_KAFKA_PORT"):
        ports.choose(Home(tmp_path), ("kafka",), {"RAPPORT_KAFKA_PORT": text})


def test_one_port_for_two_parts_is_refused(tmp_path: Path) -> None:
    port = str(ports.pick())
    with pytest.raises(TroubleError, match="change one"):
        ports.choose(
            Home(tmp_path), ("kafka", "mongo"), {"RAPPORT_KAFKA_PORT": port, "RAPPORT_MONGO_PORT": port}
        )


def test_where_parts_listen_and_by_what_they_are_reached() -> None:
    assert ports.where({}) == Where("127.0.0.1", "127.0.0.1")
    assert ports.where({"RAPPORT_UP_HOST": "box"}) == Where("127.0.0.1", "box")
    everywhere = ports.where({"RAPPORT_UP_BIND": "0.0.0.0", "RAPPORT_UP_HOST": "box.example"})
    assert everywhere == Where("0.0.0.0", "box.example")
    assert everywhere.own == "127.0.0.1"
    assert ports.where({"RAPPORT_UP_BIND": "127.0.0.7"}).own == "127.0.0.7"


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"RAPPORT_UP_BIND": "0.0.0.0"}, "say with RAPPORT_UP_HOST"),
        ({"RAPPORT_UP_BIND": "everywhere"}, "RAPPORT_UP_BIND is 'everywhere'"),
        ({"RAPPORT_UP_BIND": "192.0.2.1"}, "no address of this machine"),
    ],
)
def test_an_address_that_cannot_be_is_a_sentence(told: dict[str, str], said: str) -> None:
    with pytest.raises(TroubleError, match=said):
        ports.where(told)


def test_all_parts_are_shown_by_the_address_that_others_reach(tmp_path: Path) -> None:
    told = {"RAPPORT_UP_BIND": "127.0.0.7", "RAPPORT_UP_HOST": "box", "RAPPORT_MONGO_SERVER": "secantusd-py"}
    planned = stack.plan(Home(tmp_path), stack.PARTS, {**told, "PATH": ""})
    assert {spec.host for spec in planned.specs} == {"box"}
    addresses = [value for name, value in planned.env.items() if name.endswith(("_URL", "_KAFKA", "_MONGO"))]
    assert len(addresses) == 6
    assert all("//box:" in f"//{address}" or "//box:" in address for address in addresses)
    assert planned.env["RAPPORT_SMTP_HOST"] == "box"
    services = [spec for spec in planned.specs if spec.name.endswith(("-worker", "-api"))]
    assert {spec.env["RAPPORT_HOST"] for spec in services} == {"127.0.0.7"}


def test_the_broker_listens_here_and_says_where_others_reach_it() -> None:
    text = kafka.properties(7, 8, Path("/d"), Where("0.0.0.0", "box"))
    assert "\nlisteners=PLAINTEXT://0.0.0.0:7,CONTROLLER://127.0.0.1:8\n" in text
    assert "\nadvertised.listeners=PLAINTEXT://box:7,CONTROLLER://127.0.0.1:8\n" in text


def test_a_service_brings_the_servers_it_needs() -> None:
    assert stack.select("infra") == ("kafka", "mongo", "smtp")
    assert stack.select("loyalty") == ("kafka", "mongo", "loyalty-worker", "loyalty-api")
    assert stack.select(" followup-worker,") == ("kafka", "mongo", "smtp", "followup-worker")
    assert len(stack.select("all")) == 12
    assert stack.select("interactions")[-3:] == (
        "interactions-worker",
        "interactions-api",
        "interactions-mail",
    )
    for bad in ("kafka,redis", "", ","):
        with pytest.raises(TroubleError):
            stack.select(bad)


def test_the_variables_name_what_runs_and_no_more(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.create()
    rules = tmp_path / "rules.yaml"
    rules.touch()
    env = stack.variables(
        home,
        {"kafka": 1, "loyalty-api": 2, "loyalty-worker": 3},
        {"RAPPORT_RULES": str(rules), "RAPPORT_SLA": str(rules)},
    )
    assert env["RAPPORT_KAFKA"] == "127.0.0.1:1"
    assert env["RAPPORT_LOYALTY_URL"] == "http://127.0.0.1:2"
    assert env["RAPPORT_RULES"] == env["RAPPORT_SLA"] == str(rules)
    assert env["RAPPORT_CLOCK"] == "wall"
    assert not {"RAPPORT_MONGO", "RAPPORT_SMTP_PORT", "RAPPORT_METRICS_URL", "RAPPORT_PROGRAM"} & set(env)
    elsewhere = {"RAPPORT_KAFKA": "far:9", "RAPPORT_MONGO": "mongodb://far"}
    assert stack.variables(home, {"loyalty-api": 2}, elsewhere).items() >= elsewhere.items()
    assert stack.variables(home, {"kafka": 1}, elsewhere)["RAPPORT_KAFKA"] == "127.0.0.1:1"
    for bad in ({"RAPPORT_CLOCK": "sundial"}, {"RAPPORT_RULES": "/no/such"}, {"RAPPORT_PARTITIONS": "-1"}):
        with pytest.raises(TroubleError, match=next(iter(bad))):
            stack.variables(home, {"kafka": 1}, bad)


def test_backoff_doubles_to_its_limit_and_forgets_after_a_stable_run() -> None:
    backoff = Backoff(first=1, most=5, stable=60)
    assert [backoff.delay(0.1) for _ in range(5)] == [1, 2, 4, 5, 5]
    assert backoff.delay(61) == 1
    assert backoff.delay(0.1) == 2


def test_the_end_of_a_log(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    assert tail(log) == []
    log.write_bytes(b"".join(b"line %d \xff\n" % i for i in range(20_000)))
    assert tail(log, 2) == ["line 19998 \ufffd", "line 19999 \ufffd"]


def test_a_log_gives_the_cause_away() -> None:
    assert "disk is full" in (diagnose(["java.io.IOException: No space left on device"]) or "")
    assert "port was taken" in (diagnose(["x", "java.net.BindException: Address already in use"]) or "")
    assert diagnose(["all is well"]) is None
    assert "disk is full" in str(
        PartFailedError("kafka", "ended", ["OSError: [Errno 28] No space left on device"])
    )


def test_the_machines_authorities_are_used_unless_requests_is_told_others(tmp_path: Path) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.touch()
    assert certificates({"PIP_CERT": str(bundle)}) == str(bundle)
    assert certificates({"REQUESTS_CA_BUNDLE": "/x", "PIP_CERT": str(bundle)}) is None
    assert certificates({"SSL_CERT_FILE": str(tmp_path / "gone"), "PIP_CERT": str(bundle)}) == str(bundle)
