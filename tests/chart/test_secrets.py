"""A Secret that is missing is named before anything is changed: helm asks the cluster, here a made up one."""

import base64
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from tests.rendered_chart import CHART, NAMESPACE, RELEASE, helm, values

RENDERED = "unable to build kubernetes objects"
"""What helm says once all is rendered: this cluster knows no Deployments."""
WHOLE = {"rapport": ("secret-key", "mongo", "api-key")}
RESOURCES = [
    {"name": name, "singularName": name[:-1], "namespaced": True, "kind": kind, "verbs": ["get", "list"]}
    for name, kind in (
        ("secrets", "Secret"),
        ("configmaps", "ConfigMap"),
        ("serviceaccounts", "ServiceAccount"),
    )
]
ANSWERS: dict[str, Any] = {
    "/version": {"major": "1", "minor": "34", "gitVersion": "v1.34.0"},
    "/api": {"kind": "APIVersions", "versions": ["v1"]},
    "/apis": {"kind": "APIGroupList", "apiVersion": "v1", "groups": []},
    "/api/v1": {"kind": "APIResourceList", "groupVersion": "v1", "resources": RESOURCES},
    f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts/default": {
        "kind": "ServiceAccount",
        "apiVersion": "v1",
        "metadata": {"name": "default", "namespace": NAMESPACE},
    },
}


@contextmanager
def cluster(folder: Path, secrets: Mapping[str, tuple[str, ...]]) -> Iterator[Path]:
    """A server that knows these Secrets by name and keys; yields the kubeconfig that leads to it."""
    answers = ANSWERS | {
        f"/api/v1/namespaces/{NAMESPACE}/secrets/{name}": {
            "kind": "Secret",
            "apiVersion": "v1",
            "metadata": {"name": name, "namespace": NAMESPACE},
            "data": {key: base64.b64encode(b"-").decode() for key in keys},
        }
        for name, keys in secrets.items()
    }

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = answers.get(self.path.partition("?")[0])
            missing = {"kind": "Status", "status": "Failure", "reason": "NotFound", "code": 404}
            body = json.dumps(missing if found is None else found).encode()
            self.send_response(404 if found is None else 200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    config = folder / "kubeconfig"
    config.write_text(
        json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": "here",
                "clusters": [
                    {"name": "here", "cluster": {"server": f"http://127.0.0.1:{server.server_address[1]}"}}
                ],
                "users": [{"name": "me", "user": {}}],
                "contexts": [{"name": "here", "context": {"cluster": "here", "user": "me"}}],
            }
        ),
        encoding="utf-8",
    )
    try:
        yield config
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def said(folder: Path, secrets: Mapping[str, tuple[str, ...]], setup: str = "small", *sets: str) -> str:
    """What helm says on standard error, having asked."""
    with cluster(folder, secrets) as config:
        options = ("--namespace", NAMESPACE, "--kubeconfig", config, "--dry-run=server")
        chosen = (word for one in sets for word in ("--set", one))
        done = helm("template", RELEASE, CHART, *options, "--values", values(setup), *chosen)
    return done.stderr


def test_with_all_of_them_nothing_is_said(tmp_path: Path) -> None:
    assert RENDERED in said(tmp_path, WHOLE)


def test_a_secret_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert "RAPPORT_MONGO: there is no Secret rapport in namespace shop." in said(tmp_path, {})


def test_a_key_that_is_not_there_is_named(tmp_path: Path) -> None:
    found = said(tmp_path, {"rapport": ("secret-key", "api-key")})
    assert "RAPPORT_MONGO: the Secret rapport in namespace shop has no key mongo." in found
    assert "RAPPORT_SECRET_KEY" not in found


def test_secrets_of_one_service_and_of_files_are_asked_for(tmp_path: Path) -> None:
    found = said(tmp_path, WHOLE, "ingress")
    for name in ("mongo-interactions", "mongo-loyalty", "mongo-followup", "mongo-metrics", "desk", "dkim"):
        assert f"there is no Secret {name} in" in found


def test_a_secret_of_a_worker_alone_is_asked_for(tmp_path: Path) -> None:
    held = {"shop-cluster-ca-cert": ("ca.crt",), "mongo-ca": ("ca.crt",), "mongo-loyalty": ("api",)}
    found = said(tmp_path, {**WHOLE, **held, "mongo-metrics": ("worker", "api")}, "certificates")
    assert "RAPPORT_MONGO: the Secret mongo-loyalty in namespace shop has no key worker." in found
    assert "mongo-metrics" not in found


def test_a_secret_that_a_job_alone_reads_is_asked_for(tmp_path: Path) -> None:
    names = ("interactions", "loyalty", "followup", "metrics")
    own = (
        f"services.{name}.secrets.RAPPORT_API_KEY.{part}={value}"
        for name in names
        for part, value in (("secret", "rapport"), ("key", "mongo"))
    )
    found = said(tmp_path, {"rapport": ("secret-key", "mongo")}, "small", *own)
    assert "RAPPORT_API_KEY: the Secret rapport in namespace shop has no key api-key." in found


PROGRAM = ("files.RAPPORT_PROGRAM.configMap=program", "files.RAPPORT_PROGRAM.key=program.yaml")


def test_a_config_map_that_is_not_there_is_named(tmp_path: Path) -> None:
    found = said(tmp_path, WHOLE, "small", *PROGRAM)
    assert "RAPPORT_PROGRAM: there is no ConfigMap program in namespace shop." in found


def test_a_config_map_that_extra_objects_make_is_not_asked_for(tmp_path: Path) -> None:
    extra = (
        "extraObjects[0].kind=ConfigMap",
        "extraObjects[0].apiVersion=v1",
        "extraObjects[0].metadata.name=program",
    )
    assert RENDERED in said(tmp_path, WHOLE, "small", *PROGRAM, *extra)


def test_what_the_release_makes_itself_is_not_asked_for(tmp_path: Path) -> None:
    assert RENDERED in said(tmp_path, {**WHOLE, "shop-cluster-ca-cert": ("ca.crt",)}, "strimzi")
    assert RENDERED in said(tmp_path, {}, "cloud")


def test_who_does_not_want_it_is_not_asked(tmp_path: Path) -> None:
    assert RENDERED in said(tmp_path, {}, "small", "lookForSecrets=false")
