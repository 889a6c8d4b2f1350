"""What editors are told about expressions."""

from collections.abc import Callable

from apps.accounts.models import User
from tests.support.api_client import ApiClient


def test_filters_and_functions_come_with_meaning_and_example(api: Callable[..., ApiClient], bob: User) -> None:
    client = api(bob)
    filters = {entry["name"]: entry for entry in client.get("/pebble/filters").json()}
    functions = {entry["name"]: entry for entry in client.get("/pebble/functions").json()}
    assert all(entry["description"] and entry["examples"] for entry in [*filters.values(), *functions.values()])
    assert {"date", "jq", "chunk"} <= filters.keys()
    assert {"now", "secret", "read", "errorLogs"} <= functions.keys()


def test_nobody_is_told_nothing(api: Callable[..., ApiClient]) -> None:
    assert api().get("/pebble/filters").status_code == 401
