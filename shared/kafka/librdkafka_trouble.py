"""Why a client of librdkafka does not reach the brokers: of what it tells on the way, the last that says more
than that they are away."""

import re
from time import monotonic

from confluent_kafka import KafkaError, KafkaException, Producer

from shared.kafka.brokers import Brokers
from shared.kafka.clients import BrokerAwayError, BrokerRefusedError
from shared.kafka.tokens import TokenEndpoint
from shared.runtime.refusal import Refusal, certificate_refusal, theirs, unverified

VARIABLE = "RAPPORT_KAFKA"
PROBE_AGAIN_SECONDS = 60.0
_WHERE = re.compile(r"^(?:\w+://)?(?P<server>[^/]+)/\S*: (?P<said>.*?)(?: \(after \d+ms.*)?$", re.S)
_TOKEN = re.compile(r"acquire SASL OAUTHBEARER token: ?(?P<said>.*)", re.I | re.S)

_NOT_GIVEN = re.compile(
    r"\b(?:invalid_client|invalid_scope|unauthorized_client|access_denied|invalid_request)\b"
)
"""The errors of RFC 6749 that asking again does not mend."""
_UNTRUSTED = re.compile(r"(?:verify result: |SSL: )(?P<why>[^(]*[^( ])")
"""As libcurl says it."""


class Trouble:
    """May be told and asked in any thread."""

    def __init__(self, brokers: Brokers) -> None:
        self._brokers = brokers
        self._refusal: Refusal | None = None
        self._reason = ""
        self._probed_at = -PROBE_AGAIN_SECONDS

    def note(self, error: KafkaError) -> None:
        """What the client tells. Of a certificate it is looked into, which takes some seconds."""
        if error.code() == KafkaError._ALL_BROKERS_DOWN:
            return  # it says why before, where it knows
        found = _WHERE.match(error.str())
        server, said = (found["server"], found["said"]) if found else (self._brokers.servers, error.str())
        self._reason = f"{server}: {said}"[:300]
        if error.code() == KafkaError._AUTHENTICATION:
            self._refusal = _login(self._brokers, server, said)
        else:
            self._refusal = self._certificate(server, said)

    def behind(self, error: BrokerAwayError) -> BrokerAwayError:
        """What is to be raised in place of this."""
        if self._refusal is not None:
            return BrokerRefusedError(self._refusal)
        if self._reason:
            return BrokerAwayError(self._reason)
        # A broker that ends the connection says nothing: it may want TLS, or a name and a password.
        hint = f"is {VARIABLE}_SECURITY={self._brokers.security} what it wants?"
        return BrokerAwayError(f"no answer from {self._brokers.servers} ({error}); {hint}")

    def over(self) -> None:
        """They have answered."""
        self._refusal, self._reason = None, ""

    def _certificate(self, server: str, said: str) -> Refusal | None:
        refusal = certificate_refusal("kafka", said, server, VARIABLE)
        if refusal is None or refusal.code != "kafka_certificate":
            return refusal
        if monotonic() - self._probed_at < PROBE_AGAIN_SECONDS:
            return self._refusal or refusal
        self._probed_at = monotonic()
        # librdkafka does not tell what is wrong with it.
        for host, port in Brokers(server).hosts:
            why = unverified(host, port, self._brokers.ca)
            if why is not None:
                return theirs("kafka", why, server, VARIABLE)
        return refusal


def _no_token(endpoint: TokenEndpoint, said: str) -> Refusal | None:
    """An endpoint that is away is said and waited for."""
    if (untrusted := _UNTRUSTED.search(said)) is not None:
        return theirs("kafka_oauth", untrusted["why"], endpoint.url, f"{VARIABLE}_OAUTH")
    if (why := _NOT_GIVEN.search(said)) is None:
        return None
    do = f"check {VARIABLE}_OAUTH_CLIENT_ID, {VARIABLE}_OAUTH_CLIENT_SECRET and {VARIABLE}_OAUTH_SCOPE"
    return Refusal("kafka_token", f"{endpoint.url} gives no token ({why[0]}): {do}.")


def why_away(brokers: Brokers, seconds: float = 4.0) -> BrokerAwayError | None:
    """Ask for a list of the topics, and say why there is none; None where there is one. For commands, whose
    client in Python does not tell."""
    trouble = Trouble(brokers)
    client = Producer({**brokers.librdkafka(), "error_cb": trouble.note, "log_level": 0})
    deadline = monotonic() + seconds
    away: BrokerAwayError | None = None
    while monotonic() < deadline:
        try:
            client.list_topics(timeout=1.0)
        except KafkaException as error:
            client.poll(0)  # which is how it tells
            away = trouble.behind(BrokerAwayError(str(error)))
            if isinstance(away, BrokerRefusedError):
                break
        else:
            return None
    return away


def _login(brokers: Brokers, server: str, said: str) -> Refusal | None:
    if brokers.oauth is not None:
        if (token := _TOKEN.search(said)) is not None:
            return _no_token(brokers.oauth, token["said"])
        do = "check RAPPORT_KAFKA_OAUTH_CLIENT_ID and _SCOPE, and what the broker asks of a token"
        return Refusal("kafka_login", f"{server} does not take the token ({said}): {do}.")
    do = "check RAPPORT_KAFKA_USERNAME, RAPPORT_KAFKA_PASSWORD and RAPPORT_KAFKA_SASL_MECHANISM"
    return Refusal("kafka_login", f"{server} does not let {brokers.username} in ({said}): {do}.")
