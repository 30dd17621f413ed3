"""The services take what the chart tells them: the settings of each rendered process are valid as a whole."""

import base64
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from deploy.variables import CLASSES, variables
from shared.runtime.settings import PREFIX
from tests.rendered_chart import Thing, each_setup, golden, named, of_kind, process_of

SECRETS = {
    "RAPPORT_MONGO": "mongodb://rapport:secret@mongo/?replicaSet=rs0",
    "RAPPORT_WEBHOOK_SECRET": "whsec_" + base64.b64encode(bytes(32)).decode(),
    "RAPPORT_DELIVERY_SECRET": "whsec_" + base64.b64encode(bytes(32)).decode(),
}
OTHERS = "0123456789abcdef" * 4
KNOWN = variables()


@pytest.fixture(scope="module")
def pems(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``key.pem`` and ``certificate.pem``, which signs itself."""
    folder = tmp_path_factory.mktemp("pems")
    key = rsa.generate_private_key(65537, 2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "key.pem").write_bytes(pem)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, SHA256())
    )
    (folder / "certificate.pem").write_bytes(signed.public_bytes(Encoding.PEM))
    return folder


def told(deployment: Thing, pems: Path) -> dict[str, str]:
    """The environment of its container; secrets by any value, files that are here."""
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    made = {one["name"]: one.get("value", SECRETS.get(one["name"], OTHERS)) for one in container["env"]}
    files = (name for name in made if KNOWN[name].file)
    return made | {name: str(pems / ("key.pem" if "_KEY" in name else "certificate.pem")) for name in files}


@each_setup
def test_settings_are_valid(setup: str, pems: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for deployment in of_kind(golden(setup), "Deployment"):
        service, _ = process_of(deployment["metadata"]["name"])
        with monkeypatch.context() as environment:
            for name, value in told(deployment, pems).items():
                assert name.startswith(PREFIX)
                environment.setenv(name, value)
            for settings in CLASSES[service]:
                settings()


def test_what_is_told_is_what_is_read(pems: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Numbers and maps of values come out as the settings write them."""
    deployment = named(golden("ingress"), "Deployment", "rapport-interactions-api")
    for name, value in told(deployment, pems).items():
        monkeypatch.setenv(name, value)
    (settings,) = CLASSES["interactions"]
    read = settings().model_dump()
    assert read["oidc_groups"] == {"support": {"desk", "customers:read", "complaints:write"}}
    assert read["api_keys"]["till-17"]["scopes"] == {"events:write"}
    assert read["partitions"] == 4
    assert read["host"] == "0.0.0.0"


def test_a_worker_and_an_api_may_be_different_users_of_the_store() -> None:
    of = {
        kind: named(golden("certificates"), "Deployment", f"crm-loyalty-{kind}") for kind in ("worker", "api")
    }
    for kind, deployment in of.items():
        (container,) = deployment["spec"]["template"]["spec"]["containers"]
        (mongo,) = (one for one in container["env"] if one["name"] == "RAPPORT_MONGO")
        assert mongo["valueFrom"]["secretKeyRef"] == {"name": "mongo-loyalty", "key": kind}
