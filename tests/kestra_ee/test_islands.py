"""The editor's scripts are built from what stands in the checkout, are small, and are nothing the product waits for."""

import gzip
import json
import re

import pytest

from kestra_ee.launcher import islands
from kestra_ee.launcher.islands import EDITOR, SOURCES, NotBuilt, build_islands, missing_note

MOST_KILOBYTES = 200


@pytest.mark.process
@pytest.mark.timeout(300)
def test_the_editor_is_built_once_and_small() -> None:
    build_islands()
    assert len(gzip.compress(EDITOR.read_bytes(), 6)) <= MOST_KILOBYTES * 1024
    assert build_islands() is False, "nothing has changed, so nothing is done"
    assert missing_note() == ""


def test_packages_are_named_with_exact_versions_and_without_addresses() -> None:
    package = json.loads((SOURCES / "package.json").read_text())
    for version in [*package["dependencies"].values(), *package["devDependencies"].values()]:
        assert re.fullmatch(r"\d+\.\d+\.\d+", version)
    assert "://" not in (SOURCES / "package-lock.json").read_text().replace("https://opencollective.com", "")


def test_without_the_editor_the_start_says_so_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(islands, "EDITOR", EDITOR.with_name("absent.js"))
    assert "plain text field" in missing_note()
    assert "\n" not in missing_note()


def test_a_build_that_fails_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(islands, "EDITOR", EDITOR.with_name("absent.js"))
    monkeypatch.setattr(islands, "_npm", lambda: ["/no/such/npm"])
    with pytest.raises(NotBuilt, match="no/such/npm"):
        build_islands()
