"""``rapport doctor``: what it makes of what it sees, part by part."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from pymongo.errors import ConfigurationError
from pymongo.synchronous import srv_resolver

from rapport.clv.records import Records
from rapport.commands import doctor as command
from rapport.doctor import brokers, certificates, clocks, issuers, services, store
from rapport.doctor.examine import examine
from rapport.doctor.finding import Finding
from rapport.erasures.key import keep_key
from rapport.topics import Difference
from rapport.trouble import TroubleError
from shared.facts.erased import ERASED_IDS
from shared.runtime.transport import MongoSettings
from shared.schemas.services import SERVICES
from tests.certificates import Authority
from tests.keys_kept import Kept

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("theirs", "state", "words"),
    [
        (100.5, "ok", "within"),
        (101.9, "ok", "within"),
        (103.5, "warn", "1.5 s ahead"),
        (97.0, "warn", "3.0 s behind"),
        (160.0, "bad", "58.0 s ahead"),
        (0.0, "bad", "100.0 s behind"),
    ],
)
def test_clocks_are_compared_as_far_as_an_answer_tells(theirs: float, state: str, words: str) -> None:
    found = clocks.judged("store", theirs, before=100.0, after=102.0)
    assert (found.state, words in found.said) == (state, True)
    assert bool(found.do) is (state != "ok")


@pytest.mark.parametrize(
    ("days", "state", "words"),
    [
        (90.0, "ok", "90 days left"),
        (29.5, "warn", "29 days"),
        (1.2, "bad", "1 day left"),
        (-2.0, "bad", "expired"),
    ],
)
def test_certificates_have_days(days: float, state: str, words: str) -> None:
    found = certificates.judged("kafka:9093", NOW + timedelta(days=days), NOW)
    assert (found.state, words in found.said) == (state, True)
    assert found.do == ("" if state == "ok" else "renew it")


def test_the_first_certificate_of_a_file_to_end_is_told(tmp_path: Path) -> None:
    own = Authority(tmp_path).issue("own", days=12)
    (found,) = certificates.files([("RAPPORT_KAFKA_CERTIFICATE", own), ("RAPPORT_KAFKA_CA", None)])
    assert (found.state, found.name) == ("warn", f"RAPPORT_KAFKA_CERTIFICATE {own}")


def test_versions_of_brokers_are_judged() -> None:
    assert brokers.version({(4, 1)}) == Finding("broker", "version", "ok", "Kafka 4.1")
    assert brokers.version({(3, 9)}).state == "bad"
    assert brokers.version({(4, 0), (4, 1)}).state == "warn"


def test_topics_that_differ_are_named_with_what_to_run() -> None:
    assert brokers.topics(()).state == "ok"
    missing = Difference("loyalty", "missing", wanted="4 partitions", found="")
    uneven = Difference("purchases", "partitions", wanted="4", found="3")
    assert brokers.topics([missing]).do == "run `rapport topics apply`"
    both = brokers.topics([missing, uneven] * 3)
    assert both.state == "bad"
    assert both.do.endswith("`rapport topics grow 4`")
    assert "and 3 more" in both.said


def test_a_group_without_workers_is_bad() -> None:
    assert brokers.workers("loyalty", 2) == Finding("services", "loyalty worker", "ok", "2 are in the group")
    assert brokers.workers("loyalty", 0).do == "start it: rapport run loyalty worker"


def test_stores_are_judged_by_what_they_say() -> None:
    assert store.version("8.0.4").state == "ok"
    assert store.version("6.0.1").state == "bad"
    single = store.replica_set({"isWritablePrimary": True})
    assert (single.state, "--replSet" in single.do) == ("bad", True)
    second = store.replica_set({"setName": "rs0", "isWritablePrimary": False, "hosts": ["a", "b"]})
    assert (second.state, "directConnection" in second.do) == ("bad", True)
    assert store.replica_set({"setName": "rs0", "isWritablePrimary": True, "hosts": ["a"]}).state == "ok"
    assert store.replica_set({"msg": "isdbgrid"}).state == "ok"


def test_another_erasure_key_than_the_stores_is_found() -> None:
    databases = {f"rapport_{service}": Kept(f"rapport_{service}") for service in SERVICES}
    databases["rapport_followup"][ERASED_IDS].documents["a hash"] = {"_id": "a hash"}
    client: Any = databases
    assert store.erasure_key(client, b"m" * 16).state == "ok", "nothing is kept yet"
    keep_key(client["rapport_followup"], b"m" * 16)
    assert store.erasure_key(client, b"m" * 16).state == "ok"
    other = store.erasure_key(client, b"o" * 16)
    assert other.state == "bad"
    assert "rapport_followup" in other.said
    assert "RAPPORT_ERASURE_KEY" in other.said
    assert store.erasure_key(client, None).state == "skipped"


def test_services_tell_their_version() -> None:
    assert services.judged("loyalty", 200, "{}", "1.0", "1.0").state == "ok"
    other = services.judged("loyalty", 200, "{}", "1.0", "1.1")
    assert (other.state, "version 1.0, here it is 1.1" in other.said) == ("warn", True)
    assert services.judged("loyalty", 200, "<html>", None, "1.0").state == "warn"
    down = services.judged("loyalty", 503, '{"detail": "Kafka does not answer."}', None, "1.0")
    assert (down.state, "Kafka does not answer" in down.said) == ("bad", True)


@contextmanager
def answering(told: dict[str, bytes]) -> Iterator[str]:
    """A server that has these paths; yields where it is."""

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = told.get(self.path)
            self.send_response(404 if body is None else 200)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def of_issuers(told: dict[str, bytes], path: str = "/keys") -> tuple[Finding, ...]:
    with answering(told) as url:
        return tuple(issuers.look({issuers.KEYS: url + path, issuers.PROVIDER: url}))


def test_who_signs_tokens_is_asked() -> None:
    keys, provider = of_issuers({"/keys": b'{"keys": [{"kid": "a"}]}'})
    assert (keys.state, keys.said) == ("ok", "1 keys published")
    assert (provider.state, "answers 404" in provider.said) == ("bad", True)
    keys, provider = of_issuers({"/keys": b"[]", issuers.DISCOVERY: b'{"issuer": "http://other"}'})
    assert (keys.state, "publishes no keys" in keys.said) == ("bad", True)
    assert (provider.state, "calls itself http://other" in provider.said) == ("bad", True)
    keys, _ = of_issuers({"/keys": b"<html>"})
    assert (keys.state, "no JSON" in keys.said) == ("bad", True)


def test_a_signer_that_is_away_is_named_with_what_to_do() -> None:
    with answering({}) as gone:
        pass
    keys, provider = issuers.look({issuers.KEYS: gone})
    assert (keys.state, keys.do) == ("bad", "correct RAPPORT_JWKS_URL, or open the way to it")
    assert provider.state == "skipped"


def test_what_nobody_named_is_said_too(tmp_path: Path) -> None:
    found = {(one.part, one.name): one for one in examine({"RAPPORT_HOME": str(tmp_path)})}
    assert found["broker", "settings"].state == "bad"
    assert "rapport up" in found["broker", "settings"].said
    assert found["store", "settings"].state == "bad"
    assert found["mail", "mail server"].state == "skipped"
    assert found["services", "loyalty API"].state == "skipped"


def test_bad_settings_are_findings_not_traces(tmp_path: Path) -> None:
    env = {"RAPPORT_HOME": str(tmp_path), "RAPPORT_KAFKA": '"k:1"', "RAPPORT_MONGO": "'mongodb://m'"}
    found = {one.part: one for one in examine({**env, "RAPPORT_SMTP_HOST": "m", "RAPPORT_SMTP_PORT": "x"})}
    assert "RAPPORT_KAFKA: has quotes" in found["broker"].said
    assert "RAPPORT_MONGO: has quotes" in found["store"].said
    assert "RAPPORT_SMTP_PORT" in found["mail"].said


@pytest.mark.parametrize("told", ["The DNS query name does not exist", "The resolution lifetime expired"])
def test_a_store_that_dns_does_not_know_is_named(
    told: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def unknown(*_: object) -> None:
        raise ConfigurationError(told)

    monkeypatch.setattr(srv_resolver._SrvResolver, "_resolve_uri", unknown)
    uri = "mongodb+srv://user:hunter2@shop.mongo.example/"
    env = {"RAPPORT_HOME": str(tmp_path), "RAPPORT_MONGO": uri}
    (found,) = [one for one in examine(env) if one.part == "store"]
    assert (found.name, found.state) == ("shop.mongo.example", "bad")
    assert "SRV records of _mongodb._tcp.shop.mongo.example" in found.said
    assert found.do.startswith("correct RAPPORT_MONGO")
    with (
        pytest.raises(TroubleError, match=r"DNS names no servers for shop\.mongo\.example") as trouble,
        Records(MongoSettings(mongo=uri)) as records,
    ):
        records.now()
    assert "hunter2" not in f"{found.said}{trouble.value}"


def test_what_nobody_foresaw_of_one_part_hides_no_other(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def odd(settings: object, key: object) -> list[Finding]:
        raise KeyError("members")

    monkeypatch.setattr(store, "look", odd)
    monkeypatch.setenv("RAPPORT_MONGO", "mongodb://db")
    found = {
        one.part: one for one in examine({"RAPPORT_HOME": str(tmp_path), "RAPPORT_MONGO": "mongodb://db"})
    }
    assert found["store"].state == "bad"
    assert "KeyError: 'members'" in found["store"].said
    assert "services" in found


@pytest.mark.parametrize(("state", "code"), [("ok", 0), ("warn", 0), ("skipped", 0), ("bad", 1)])
def test_the_exit_code_is_for_what_is_wrong(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], state: str, code: int
) -> None:
    found = [Finding("store", "version", state, "MongoDB 6", "upgrade it")]  # type: ignore[arg-type]  # of a list
    monkeypatch.setattr(command, "examine", lambda: found)
    for as_json in (True, False):
        ended = 0
        try:
            command.doctor(as_json)
        except command.typer.Exit as exit:
            ended = exit.exit_code
        assert ended == code
        assert "upgrade it" in capsys.readouterr().out
