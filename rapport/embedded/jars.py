"""The broker's jars: fetched once by jgo from Maven coordinates, checked, shared by all homes."""

import contextlib
import fcntl
import hashlib
import logging
import os
import shutil
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from rapport.embedded.kafka_jars import JARS, KAFKA_VERSION
from rapport.trouble import TroubleError, explain

PARALLEL = 4
TRIES = 3
SYSTEM_CERTIFICATES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt")
"""Where Debian and Red Hat keep them."""


@dataclass(frozen=True, slots=True)
class Jar:
    """A file to fetch from Maven, and how to tell that it is the right one."""

    coordinate: str
    """``group:artifact:version``."""
    size: int
    """In bytes."""
    sha256: str

    @property
    def filename(self) -> str:
        _, artifact, version = self.coordinate.split(":")
        return f"{artifact}-{version}.jar"


@dataclass(frozen=True, slots=True)
class Progress:
    done: int
    """Bytes so far."""
    total: int


Report = Callable[[Progress], None]


def listed() -> tuple[Jar, ...]:
    """The jars the broker needs."""
    rows = (line.split() for line in JARS.splitlines())
    return tuple(Jar(coordinate, int(size), sha256) for coordinate, size, sha256 in rows)


def cache_folder(environ: Mapping[str, str] | None = None) -> Path:
    """``$XDG_CACHE_HOME/rapport``, else ``~/.cache/rapport``."""
    base = (os.environ if environ is None else environ).get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "rapport"


def _library(cache: Path) -> Path:
    return cache / f"kafka-{KAFKA_VERSION}"


def missing(cache: Path) -> tuple[Jar, ...]:
    """The jars not in the cache. A file there is whole: it was checked and then moved in."""
    library = _library(cache)
    return tuple(jar for jar in listed() if not (library / jar.filename).exists())


def ensure(report: Report = lambda _: None, *, cache: Path | None = None) -> tuple[Path, ...]:
    """The class path, fetching what the cache lacks. Safe when several processes do so at once.

    Raises TroubleError without a network, or when a jar is not the one expected.
    """
    cache = cache or cache_folder()
    if missing(cache):
        with _locked(cache):
            _fetch(missing(cache), cache, report)
    return tuple(_library(cache) / jar.filename for jar in listed())


@contextlib.contextmanager
def _locked(cache: Path) -> Iterator[None]:
    cache.mkdir(parents=True, exist_ok=True)
    with open(cache / "lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def certificates(environ: Mapping[str, str]) -> str | None:
    """The machine's own list of authorities, where requests is not told one: behind a company's proxy
    its built-in list is not enough, and pip and curl use the machine's too."""
    if environ.get("REQUESTS_CA_BUNDLE") or environ.get("CURL_CA_BUNDLE"):
        return None
    told = (environ.get("SSL_CERT_FILE"), environ.get("PIP_CERT"), ssl.get_default_verify_paths().cafile)
    return next((path for path in (*told, *SYSTEM_CERTIFICATES) if path and Path(path).is_file()), None)


def _fetch(wanted: tuple[Jar, ...], cache: Path, report: Report) -> None:
    """Fetch into a staging folder and move each jar in when its digest is right."""
    if not wanted:
        return
    if bundle := certificates(os.environ):
        os.environ["REQUESTS_CA_BUNDLE"] = bundle
    staging = cache / "staging"
    shutil.rmtree(staging, ignore_errors=True)
    library = _library(cache)
    library.mkdir(parents=True, exist_ok=True)
    counter = _Counter(sum(jar.size for jar in wanted), report)
    try:
        with ThreadPoolExecutor(PARALLEL) as pool:
            for fetched in [pool.submit(_fetch_one, jar, staging, library, counter) for jar in wanted]:
                fetched.result()
    finally:
        shutil.rmtree(staging, ignore_errors=True)


class _Counter:
    """Adds up bytes from several threads, and reports them; also jgo's progress callback."""

    def __init__(self, total: int, report: Report) -> None:
        self._done = 0
        self._total = total
        self._report = report
        self._lock = threading.Lock()

    def add(self, size: int) -> None:
        with self._lock:
            self._done += size
            self._report(Progress(self._done, self._total))

    @contextlib.contextmanager
    def __call__(self, filename: str, size: int) -> Iterator[Callable[[int], None]]:
        yield self.add


def _fetch_one(jar: Jar, staging: Path, library: Path, counter: _Counter) -> None:
    reason = ""
    for attempt in range(TRIES):
        # A folder for each try: jgo takes any file that it finds in its repository for whole.
        repository = staging / f"{jar.filename}.{attempt}"
        try:
            path = _download(jar, repository, counter)
        except OSError as error:  # requests' errors are OSErrors too
            if sentence := explain(error):
                raise TroubleError(sentence) from error
            reason = str(error)
            continue
        except RuntimeError as error:
            reason = str(error)
            continue
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        if digest == jar.sha256:
            path.replace(library / jar.filename)
            return
        reason = f"its SHA-256 is {digest}, not {jar.sha256}"
    logging.getLogger(__name__).debug("%s: %s", jar.coordinate, reason)
    raise TroubleError(
        f"Could not fetch {jar.coordinate}, a jar of the embedded Kafka ({_short(reason)}): check the "
        "network (or set RAPPORT_MAVEN_URL to a mirror) and run it again; what is already here is kept."
    )


def _short(reason: str) -> str:
    return reason if len(reason) <= 160 else reason[:160] + "…"


def _download(jar: Jar, repository: Path, counter: _Counter) -> Path:
    from jgo.maven import MavenContext, PythonResolver

    mirror = os.environ.get("RAPPORT_MAVEN_URL")
    context = MavenContext(
        repo_cache=repository,
        resolver=PythonResolver(progress_callback=counter),
        remote_repos={"mirror": mirror.rstrip("/")} if mirror else None,
        timeout=30,
    )
    return Path(context.create_dependency(jar.coordinate).artifact.resolve())


def _resolved(version: str) -> list[str]:
    """The coordinates that a Kafka version needs, resolved anew from its POMs, with a log binding."""
    from jgo.maven import MavenContext, PythonResolver

    with _locked(cache_folder()):
        context = MavenContext(repo_cache=cache_folder() / "poms", resolver=PythonResolver())
        wanted = (f"org.apache.kafka:kafka_2.13:{version}", "org.slf4j:slf4j-simple:1.7.36")
        inputs, others = context.resolver.resolve([context.create_dependency(name) for name in wanted])
        for dependency in (*inputs, *others):
            dependency.artifact.resolve()
        return sorted(
            f"{d.groupId}:{d.artifactId}:{d.version} {path.stat().st_size} "
            f"{hashlib.sha256(path.read_bytes()).hexdigest()}"
            for d in (*inputs, *others)
            if d.scope in (None, "compile", "runtime") and (path := Path(d.artifact.resolve()))
        )


if __name__ == "__main__":
    import sys

    print("\n".join(_resolved(sys.argv[1] if len(sys.argv) > 1 else KAFKA_VERSION)))
