"""The image's list of parts: what the environment holds, and Debian's packages below it."""

from deploy.image.sbom import debian, merged


def test_a_debian_package_is_named_by_its_url() -> None:
    assert debian("libstdc++6 12.2.0-14+deb12u1 amd64\n", "debian") == {
        "bom-ref": "pkg:deb/debian/libstdc%2B%2B6@12.2.0-14%2Bdeb12u1?arch=amd64",
        "type": "library",
        "name": "libstdc++6",
        "version": "12.2.0-14+deb12u1",
        "purl": "pkg:deb/debian/libstdc%2B%2B6@12.2.0-14%2Bdeb12u1?arch=amd64",
    }


def test_both_are_in_one_document_in_an_order_that_does_not_change() -> None:
    python = {"bomFormat": "CycloneDX", "components": [{"name": "pydantic"}]}
    lines = ["zlib1g 1 amd64\n", "\n", "bash 5.2-15 amd64\n"]
    document = merged(python, lines)
    assert document["bomFormat"] == "CycloneDX"
    assert [part["name"] for part in document["components"]] == ["pydantic", "bash", "zlib1g"]
    assert merged(python, reversed(lines)) == document
