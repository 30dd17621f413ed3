"""Which version runs here is known where Rapport is files on a path and no installed package: the image."""

from importlib.metadata import Distribution, PackageNotFoundError

import pytest

from shared.runtime.telemetry import BUILD, tell_version
from shared.runtime.version import VERSION


def test_a_process_tells_its_version(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Distribution:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(Distribution, "from_name", missing)
    tell_version("loyalty")
    (family,) = BUILD.collect()
    assert {"service": "loyalty", "version": VERSION} in [sample.labels for sample in family.samples]
