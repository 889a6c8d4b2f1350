"""What each secret manager must do: the table, Vault's language (OpenBao), AWS Secrets Manager (moto), Azure Key Vault
and Google Secret Manager (servers of our own that speak their REST contracts, tests/support/secret_servers.py).
"""

from __future__ import annotations

from uuid import uuid4

import pytest

from apps.common.errors import IllegalArgument
from apps.secrets.backends.azure import MOST_VALUE_BYTES, AzureSecrets
from apps.secrets.backends.base import SecretBackend
from apps.secrets.catalog import MAX_VALUE_BYTES, Place, SecretMeta


@pytest.fixture
def place() -> Place:
    """A namespace that no other test uses."""
    return Place("alpha", f"a{uuid4().hex[:10]}.b")


def write(backend: SecretBackend, place: Place, key: str, value: str) -> bool:
    return backend.write(place, key, value, description="", tags={})


@pytest.mark.parametrize(
    "value", ["s3cr3t", '{"user": "a", "password": "b"}', "é\n\x01 ' \" \\", " ", "1", "x" * 60_000]
)
def test_value_comes_back_as_it_was(backend: SecretBackend, place: Place, value: str) -> None:
    assert len(value.encode()) <= MAX_VALUE_BYTES
    if isinstance(backend, AzureSecrets) and len(value.encode()) > MOST_VALUE_BYTES:
        with pytest.raises(IllegalArgument, match="at most 25000 bytes"):
            write(backend, place, "KEY", value)
        return
    write(backend, place, "KEY", value)

    assert backend.read(place, "KEY") == value


def test_write_creates_then_replaces(backend: SecretBackend, place: Place) -> None:
    assert [write(backend, place, "KEY", value) for value in ("one", "two")] == [True, False]
    assert backend.read(place, "KEY") == "two"
    assert backend.read(place, "OTHER") is None
    assert backend.read(place, "key") is None


def test_list_shows_this_very_place_without_values(backend: SecretBackend, place: Place) -> None:
    below = Place(place.tenant_id, place.namespace + ".c")
    backend.write(place, "B", "hidden", description="the second", tags={"team": "data"})
    write(backend, place, "A.x-1", "hidden")
    write(backend, below, "C", "hidden")

    assert backend.list(place) == [SecretMeta("A.x-1"), SecretMeta("B", "the second", {"team": "data"})]
    assert [meta.key for meta in backend.list(below)] == ["C"]
    assert backend.list(Place(place.tenant_id, place.namespace + "x")) == []


def test_description_changes_and_the_value_stays(backend: SecretBackend, place: Place) -> None:
    backend.write(place, "A", "value", description="old", tags={"a": "1", "b": "2"})

    assert backend.describe(place, "A", description="new", tags={"b": "3"}) is True
    assert backend.list(place) == [SecretMeta("A", "new", {"b": "3"})]
    assert backend.read(place, "A") == "value"
    assert backend.describe(place, "NONE", description="", tags={}) is False


def test_deleted_secret_is_gone_and_its_key_free(backend: SecretBackend, place: Place) -> None:
    write(backend, place, "A", "value")

    assert (backend.delete(place, "A"), backend.delete(place, "A")) == (True, False)
    assert backend.read(place, "A") is None
    assert backend.list(place) == []
    assert write(backend, place, "A", "again") is True
    assert backend.read(place, "A") == "again"


def test_places_whose_names_look_alike_are_apart(backend: SecretBackend, place: Place) -> None:
    name = place.namespace
    others = [name + "_c", name + "-c", name + ".c", name.replace(".", "_"), name.split(".")[0]]
    write(backend, place, "A", name)
    for other in others:
        write(backend, Place("alpha", other), "A", other)

    assert [backend.read(Place("alpha", other), "A") for other in others] == others
    assert backend.read(place, "A") == name


def test_connection_test_leaves_nothing(backend: SecretBackend) -> None:
    backend.probe("alpha")

    assert backend.list(Place("alpha", "kestra-ee.connection-test")) == []
