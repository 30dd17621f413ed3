"""How Kafka and the store are reached: what is wrong is refused by a sentence, before it is connected."""

from pathlib import Path

import pytest

from rapport.connections import brokers, read, store
from rapport.trouble import TroubleError
from shared.kafka.brokers import Brokers
from shared.runtime import pem
from shared.runtime.refusal import certificate_refusal
from shared.runtime.settings import Settings
from shared.runtime.transport import KafkaSettings
from tests.certificates import Authority

GOOD = {
    "RAPPORT_KAFKA": "kafka:9092",
    "RAPPORT_MONGO": "mongodb://db",
    "RAPPORT_SECRET_KEY": "0123456789abcdef",
}
LOGIN = {
    "RAPPORT_KAFKA_SECURITY": "sasl_ssl",
    "RAPPORT_KAFKA_SASL_MECHANISM": "SCRAM-SHA-512",
    "RAPPORT_KAFKA_USERNAME": "till",
    "RAPPORT_KAFKA_PASSWORD": "xyzzy",
}
OAUTH = {
    "RAPPORT_KAFKA_SECURITY": "sasl_ssl",
    "RAPPORT_KAFKA_SASL_MECHANISM": "OAUTHBEARER",
    "RAPPORT_KAFKA_OAUTH_URL": "https://tokens.example/token",
    "RAPPORT_KAFKA_OAUTH_CLIENT_ID": "rapport",
    "RAPPORT_KAFKA_OAUTH_CLIENT_SECRET": "xyzzy",
}


def said(env: dict[str, str]) -> str:
    with pytest.raises(TroubleError) as trouble:
        read(Settings, GOOD | env)
    sentence = str(trouble.value)
    assert "xyzzy" not in sentence
    assert "\n" not in sentence
    assert sentence.endswith(".")
    return sentence


@pytest.mark.parametrize(
    ("env", "words"),
    [
        ({"RAPPORT_MONGO": '"mongodb://db"'}, "RAPPORT_MONGO: has quotes"),
        ({"RAPPORT_MONGO": "'mongodb://db'"}, "RAPPORT_MONGO: has quotes"),
        ({"RAPPORT_MONGO": '"mongodb://db'}, "RAPPORT_MONGO: has quotes"),
        ({"RAPPORT_MONGO": "“mongodb://db”"}, "RAPPORT_MONGO: has quotes"),
        ({"RAPPORT_MONGO": 'mongodb://u:xyzzy@"db"/'}, "RAPPORT_MONGO: has quotes in it"),
        ({"RAPPORT_MONGO": "mongodb://db/?replicaSet='rs0'&w=1"}, "RAPPORT_MONGO: has quotes in it"),
        ({"RAPPORT_MONGO": "mongo://xyzzy@db"}, "RAPPORT_MONGO: must begin with mongodb://"),
        ({"RAPPORT_MONGO": "db:27017"}, "RAPPORT_MONGO: must begin with mongodb://"),
        ({"RAPPORT_MONGO": "mongodb://"}, "RAPPORT_MONGO: is no URI"),
        ({"RAPPORT_MONGO": "mongodb://u:xyzzy%@db"}, "RAPPORT_MONGO: is no URI"),
        ({"RAPPORT_MONGO": "mongodb://u:xyzzy@db:port"}, "RAPPORT_MONGO: is no URI"),
        # The driver takes what follows for the database's name, and quotes it.
        ({"RAPPORT_MONGO": "mongodb://u:12/xyzzy@db"}, "must be percent-encoded: / is %2F"),
        ({"RAPPORT_MONGO": "mongodb://u:xyzzy?p@db"}, "must be percent-encoded: / is %2F"),
        ({"RAPPORT_MONGO": "mongodb://db/?tsl=true"}, "Unknown option: tsl"),
        ({"RAPPORT_MONGO": "mongodb://db/?tls=ture"}, "RAPPORT_MONGO: is no URI"),
        ({"RAPPORT_MONGO": "mongodb://db/?tlsCAFile=/no/such.pem"}, "MONGO: there is no file"),
        ({"RAPPORT_MONGO_CA": "/no/such.pem"}, "RAPPORT_MONGO_CA: there is no file /no/such.pem"),
        ({"RAPPORT_MONGO_CERTIFICATE": "/no/such.pem"}, "RAPPORT_MONGO_CERTIFICATE: there is no file"),
        ({"RAPPORT_KAFKA": '"kafka:9092"'}, "RAPPORT_KAFKA: has quotes"),
        ({"RAPPORT_KAFKA": "SASL_SSL://kafka:9092"}, "RAPPORT_KAFKA: must be host:port"),
        ({"RAPPORT_KAFKA": "kafka:70000"}, "RAPPORT_KAFKA: must be host:port"),
        ({"RAPPORT_KAFKA": "kafka:9092,,other:1"}, "RAPPORT_KAFKA: must be host:port"),
        ({"RAPPORT_KAFKA_SECURITY": "tls"}, "RAPPORT_KAFKA_SECURITY: "),
        ({"RAPPORT_KAFKA_CA": "/no/such.pem"}, "RAPPORT_KAFKA_CA: there is no file /no/such.pem"),
        (LOGIN | {"RAPPORT_KAFKA_SECURITY": ""}, "of no use with RAPPORT_KAFKA_SECURITY=plaintext"),
        (LOGIN | {"RAPPORT_KAFKA_SECURITY": "ssl"}, "of no use with RAPPORT_KAFKA_SECURITY=ssl"),
        (LOGIN | {"RAPPORT_KAFKA_PASSWORD": ""}, "Set RAPPORT_KAFKA_PASSWORD"),
        (LOGIN | {"RAPPORT_KAFKA_SASL_MECHANISM": ""}, "Set RAPPORT_KAFKA_SASL_MECHANISM"),
        (LOGIN | {"RAPPORT_KAFKA_SASL_MECHANISM": "GSSAPI"}, "RAPPORT_KAFKA_SASL_MECHANISM: "),
        (OAUTH | {"RAPPORT_KAFKA_OAUTH_URL": ""}, "Set RAPPORT_KAFKA_OAUTH_URL"),
        (OAUTH | {"RAPPORT_KAFKA_OAUTH_URL": "tokens.example"}, "RAPPORT_KAFKA_OAUTH_URL: must be a URL"),
        (OAUTH | {"RAPPORT_KAFKA_OAUTH_URL": "http://tokens.example"}, "OAUTH_URL: must be https"),
        ({"RAPPORT_KAFKA_SECURITY": "ssl", "RAPPORT_KAFKA_CERTIFICATE": "/no"}, "CERTIFICATE: there is no"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_without_a_secret(env: dict[str, str], words: str) -> None:
    assert words in said(env)


@pytest.mark.parametrize("uri", ["mongodb://u:a'b\"c@db", "mongodb://db/?appName=Bob's"])
def test_a_password_may_have_quotes_and_so_may_a_name(uri: str) -> None:
    assert read(Settings, GOOD | {"RAPPORT_MONGO": uri}).mongo == uri


def test_files_are_read_and_dates_are_looked_at(tmp_path: Path) -> None:
    authority, other = Authority(tmp_path / "one"), Authority(tmp_path / "other")
    own, strange = authority.issue("own"), other.issue("strange")
    ssl = {"RAPPORT_KAFKA_SECURITY": "ssl", "RAPPORT_KAFKA_CA": str(authority.file)}
    expired = {**ssl, "RAPPORT_KAFKA_CERTIFICATE": str(authority.issue("old", days=-2))}
    assert "expired at 20" in said(expired)
    mixed = {**ssl, "RAPPORT_KAFKA_CERTIFICATE": str(own), "RAPPORT_KAFKA_KEY": str(strange)}
    assert "of two different pairs" in said(mixed)
    assert "Set RAPPORT_KAFKA_CERTIFICATE" in said({**ssl, "RAPPORT_KAFKA_KEY": str(own)})
    empty = tmp_path / "empty.pem"
    empty.write_text("")
    assert f"{empty} holds no certificate" in said({"RAPPORT_MONGO_CA": str(empty)})
    assert "both in PEM" in said({"RAPPORT_MONGO_CERTIFICATE": str(authority.file)})
    assert f"{tmp_path} cannot be read" in said({"RAPPORT_MONGO_CA": str(tmp_path)})
    ends = pem.expiry(own)
    assert ends is not None
    assert pem.first_expiry(own) == ends  # its authority's is later


def test_each_client_is_told_the_same_in_its_own_words(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    own = authority.issue("own")
    tls = {"RAPPORT_KAFKA_CA": str(authority.file), "RAPPORT_KAFKA_CERTIFICATE": str(own)}
    found = Brokers.of(read(KafkaSettings, {**GOOD, **LOGIN, **tls, "RAPPORT_KAFKA": "a:1, [::1]:2,c"}))
    assert found.hosts == [("a", 1), ("::1", 2), ("c", 9092)]
    assert "xyzzy" not in repr(found)
    lib, python, aio = found.librdkafka(), found.kafka_python(), found.aiokafka()
    assert lib["bootstrap.servers"] == aio["bootstrap_servers"] == ",".join(python["bootstrap_servers"])
    assert lib["security.protocol"] == "sasl_ssl"
    assert python["security_protocol"] == aio["security_protocol"] == "SASL_SSL"
    assert lib["sasl.mechanism"] == python["sasl_mechanism"] == aio["sasl_mechanism"] == "SCRAM-SHA-512"
    assert lib["sasl.password"] == python["sasl_plain_password"] == aio["sasl_plain_password"] == "xyzzy"
    assert lib["ssl.ca.location"] == python["ssl_cafile"] == str(authority.file)
    assert lib["ssl.key.location"] == python["ssl_certfile"] == str(own)
    assert aio["ssl_context"].check_hostname
    assert lib["ssl.endpoint.identification.algorithm"] == "https"


def test_in_the_clear_nothing_more_is_said() -> None:
    plain = Brokers("kafka:9092")
    assert plain.librdkafka() == {"bootstrap.servers": "kafka:9092", "security.protocol": "plaintext"}
    assert plain.kafka_python() == {"bootstrap_servers": ["kafka:9092"], "security_protocol": "PLAINTEXT"}
    assert plain.aiokafka() == {"bootstrap_servers": "kafka:9092", "security_protocol": "PLAINTEXT"}


def test_tokens_are_fetched_by_the_client_where_it_can() -> None:
    found = Brokers.of(read(KafkaSettings, {**GOOD, **OAUTH, "RAPPORT_KAFKA_OAUTH_SCOPE": "kafka"}))
    options = found.librdkafka()
    assert options["sasl.oauthbearer.method"] == "oidc"
    assert options["sasl.oauthbearer.client.secret"] == "xyzzy"
    assert options["sasl.oauthbearer.scope"] == "kafka"
    assert "xyzzy" not in repr(found)
    assert found.kafka_python()["sasl_oauth_token_provider"] is not None


def test_variables_of_one_place_are_not_mixed_with_those_of_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stack of `rapport up` is spoken to in the clear, whatever this shell has for another cluster."""
    (tmp_path / "env").write_text(
        "export RAPPORT_KAFKA=127.0.0.1:1\nexport RAPPORT_MONGO=mongodb://127.0.0.1\n"
    )
    here = {**LOGIN, "RAPPORT_HOME": str(tmp_path)}
    for name, value in here.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("RAPPORT_KAFKA", raising=False)
    monkeypatch.delenv("RAPPORT_MONGO", raising=False)
    assert brokers() == Brokers("127.0.0.1:1")
    assert store().mongo == "mongodb://127.0.0.1"
    assert brokers({**here, "RAPPORT_KAFKA": "kafka:1"}).username == "till"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: certificate has expired (_ssl.c)", ""),
        ("SSL handshake failed: error:0A000086:SSL routines::certificate verify failed: broker ...", ""),
        ("Receive failed: error:0A000412:SSL routines::ssl/tls alert bad certificate", "own_"),
        ("[SSL: TLSV13_ALERT_CERTIFICATE_REQUIRED] tlsv13 alert certificate required (_ssl.c:2580)", "own_"),
        ("[SSL: TLSV1_ALERT_UNKNOWN_CA] tlsv1 alert unknown ca (_ssl.c:2580)", "own_"),
        ("[SSL: UNEXPECTED_EOF_WHILE_READING] EOF occurred in violation of protocol (_ssl.c:1006)", None),
        ("Connect to ipv4#127.0.0.1:1 failed: Connection refused (after 0ms in state CONNECT)", None),
        ("Disconnected while requesting ApiVersion", None),
    ],
)  # fmt: skip
def test_only_what_waiting_does_not_mend_is_a_refusal(text: str, code: str | None) -> None:
    refusal = certificate_refusal("kafka", text, "kafka:1", "RAPPORT_KAFKA")
    assert (refusal and refusal.code) == (None if code is None else f"kafka_{code}certificate")


@pytest.mark.parametrize(
    ("variable", "named"),
    [
        ("RAPPORT_KAFKA", "RAPPORT_KAFKA as"),
        ("RAPPORT_KAFKA_OAUTH", "RAPPORT_KAFKA_OAUTH_URL as"),
        ("RAPPORT_SMTP", "RAPPORT_SMTP_HOST as"),
    ],
)
def test_a_certificate_for_another_name_tells_the_setting_that_names_the_server(
    variable: str, named: str
) -> None:
    text = "certificate verify failed: Hostname mismatch, certificate is not valid for 'b' (_ssl.c:1006)"
    refusal = certificate_refusal("a part", text, "b:1", variable)
    assert refusal is not None
    assert f"name the server in {named} its certificate does" in refusal.sentence
