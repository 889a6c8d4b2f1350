"""A type whose library is not there says what to install."""

from __future__ import annotations

import sys

import pytest

from apps.workflows.plugin_api import registry
from apps.workflows.plugin_api.errors import MissingLibrary


def test_a_missing_library_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    gone = [name for name in sys.modules if name.startswith(("duckdb", "apps.workflows.builtin_plugins.jdbc.duckdb"))]
    for name in gone:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "duckdb", None)  # type: ignore[arg-type]  # as if it were not installed
    with pytest.raises(MissingLibrary, match=r"not installed here: .*duckdb.*pip install 'kestra-ee\[duckdb\]'"):
        registry.plugin_class.__wrapped__("io.kestra.plugin.jdbc.duckdb.Query")
