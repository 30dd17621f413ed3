"""The embedded Kafka with listeners as production has them: TLS, passwords, tokens; good ones and bad."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from kafka.admin import ScramMechanism, UserScramCredentialUpsertion

from rapport import broker
from rapport.connections import read
from rapport.embedded import kafka, ports, probes
from rapport.embedded.part import Part, Spec
from rapport.home import Home
from shared.kafka.brokers import Brokers
from shared.kafka.librdkafka_trouble import why_away
from shared.runtime.transport import KafkaSettings
from tests.certificates import Authority
from tests.stack import until

HOST = "localhost"
"""What certificates are good for here."""
USERNAME, PASSWORD = "till", "a password; of 'signs' = \"all\" kinds"
MECHANISMS = ("SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN", "OAUTHBEARER")
AUDIENCE, ISSUER = "kafka", "https://tokens.example"

SASL, MUTUAL, EXPIRED, ELSEWHERE = "SASL", "MUTUAL", "EXPIRED", "ELSEWHERE"
"""Listeners: passwords and tokens over TLS; certificates on both sides; a certificate that has expired; one
of another host."""
SECURED = (SASL, MUTUAL, EXPIRED, ELSEWHERE)


@dataclass(frozen=True)
class SecuredKafka:
    """A broker that runs. ``authority`` signed what it shows."""

    part: Part
    authority: Authority
    at: Mapping[str, int]

    def address(self, listener: str) -> str:
        return f"{HOST}:{self.at[listener]}"

    def env(self, listener: str = SASL, mechanism: str = "SCRAM-SHA-512") -> dict[str, str]:
        """The variables of a client that is let in, or would be."""
        env = {"RAPPORT_KAFKA": self.address(listener), "RAPPORT_KAFKA_CA": str(self.authority.file)}
        if listener != SASL:
            return {**env, "RAPPORT_KAFKA_SECURITY": "ssl"}
        env |= {"RAPPORT_KAFKA_SECURITY": "sasl_ssl", "RAPPORT_KAFKA_SASL_MECHANISM": mechanism}
        if mechanism == "OAUTHBEARER":
            return env
        return {**env, "RAPPORT_KAFKA_USERNAME": USERNAME, "RAPPORT_KAFKA_PASSWORD": PASSWORD}


class _Broker(kafka.Broker):
    """One more broker of ours, with more listeners than the one that everybody may use."""

    def __init__(self, home: Home, at: Mapping[str, int], authority: Authority, keys: Path) -> None:
        super().__init__(home, at["kafka"], at["kafka-controller"])
        self._added = _added(at, authority, keys)
        self._allowed = f"-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls={keys.as_uri()}"

    def prepare(self) -> None:
        super().prepare()
        with self.config.open("a") as config:
            config.writelines(f"{name}={value}\n" for name, value in self._added.items())

    def command(self) -> list[str]:
        program, *rest = super().command()
        return [program, self._allowed, *rest]


def _added(at: Mapping[str, int], authority: Authority, keys: Path) -> dict[str, str]:
    """Properties; of a name that comes twice the last counts."""
    plain = f"PLAINTEXT://{ports.HOST}:{at['kafka']}"
    advertised = ",".join((plain, *(f"{name}://{HOST}:{at[name]}" for name in SECURED)))
    protocols = {"PLAINTEXT": "PLAINTEXT", "CONTROLLER": "PLAINTEXT", SASL: "SASL_SSL"}
    protocols |= dict.fromkeys((MUTUAL, EXPIRED, ELSEWHERE), "SSL")
    shown = {
        SASL: authority.issue("sasl", HOST),
        MUTUAL: authority.issue("mutual", HOST),
        EXPIRED: authority.issue("expired", HOST, days=-3),
        ELSEWHERE: authority.issue("elsewhere", "kafka.example"),
    }
    added = {
        "listeners": f"{advertised},CONTROLLER://{ports.HOST}:{at['kafka-controller']}",
        "advertised.listeners": advertised,
        "listener.security.protocol.map": ",".join(f"{name}:{how}" for name, how in protocols.items()),
        "inter.broker.listener.name": "PLAINTEXT",
    }
    for name, certificate in shown.items():
        added |= {
            f"listener.name.{name.lower()}.ssl.keystore.type": "PEM",
            f"listener.name.{name.lower()}.ssl.keystore.location": str(certificate),
        }
    mutual = f"listener.name.{MUTUAL.lower()}.ssl"
    return {
        **added,
        f"{mutual}.client.auth": "required",
        f"{mutual}.truststore.type": "PEM",
        f"{mutual}.truststore.location": str(authority.file),
        **_signing_in(keys),
    }


def _signing_in(keys: Path) -> dict[str, str]:
    listener, security = f"listener.name.{SASL.lower()}", "org.apache.kafka.common.security"
    quoted = PASSWORD.replace("\\", "\\\\").replace('"', '\\"').replace("\\", "\\\\")
    oauth = f"{listener}.oauthbearer.sasl"
    return {
        f"{listener}.sasl.enabled.mechanisms": ",".join(MECHANISMS),
        f"{listener}.scram-sha-512.sasl.jaas.config": f"{security}.scram.ScramLoginModule required;",
        f"{listener}.scram-sha-256.sasl.jaas.config": f"{security}.scram.ScramLoginModule required;",
        f"{listener}.plain.sasl.jaas.config": (
            f'{security}.plain.PlainLoginModule required user_{USERNAME}="{quoted}";'
        ),
        f"{oauth}.jaas.config": f"{security}.oauthbearer.OAuthBearerLoginModule required;",
        f"{oauth}.server.callback.handler.class": (
            f"{security}.oauthbearer.OAuthBearerValidatorCallbackHandler"
        ),
        # Named: Kafka 4.1 chooses one by itself that does not look at a token's signature.
        "sasl.oauthbearer.jwt.validator.class": f"{security}.oauthbearer.BrokerJwtValidator",
        f"{oauth}.oauthbearer.jwks.endpoint.url": keys.as_uri(),
        f"{oauth}.oauthbearer.expected.audience": AUDIENCE,
        f"{oauth}.oauthbearer.expected.issuer": ISSUER,
        # A token that has expired ends its connection, unless another was shown meanwhile.
        f"{listener}.connections.max.reauth.ms": "3600000",
    }


@contextmanager
def secured_kafka(home: Home, jwks: object = None) -> Iterator[SecuredKafka]:
    """Start it, with Rapport's topics and the user. ``jwks``: the keys that tokens are signed with."""
    home.create()
    at = ports.choose(home, ("kafka", "kafka-controller", *SECURED), {})
    keys = home.root / "jwks.json"
    keys.write_text(json.dumps(jwks or {"keys": []}))
    authority = Authority(home.root / "certificates")
    made = _Broker(home, at, authority, keys)
    spec = Spec("kafka", made.command, lambda: probes.kafka(made.port), made.port, prepare=made.prepare)
    with Part(spec, home) as part:
        part.start()
        part.wait_ready()
        broker.apply_topics(Brokers(part.address))
        with broker.admin(Brokers(part.address)) as admin:
            users = [
                UserScramCredentialUpsertion(USERNAME, mechanism, PASSWORD)
                for mechanism in (ScramMechanism.SCRAM_SHA_256, ScramMechanism.SCRAM_SHA_512)
            ]
            for user in users:  # of one user, one a request
                admin.alter_user_scram_credentials([user])
        secured = SecuredKafka(part, authority, at)
        for mechanism in MECHANISMS[:2]:
            let_in = Brokers.of(read(KafkaSettings, secured.env(SASL, mechanism)))
            until(lambda brokers=let_in: why_away(brokers) is None, "the broker knows the user")
        yield secured
