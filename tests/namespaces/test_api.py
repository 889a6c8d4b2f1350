"""Routes of KV pairs: what clients send and get, and who may."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine

from apps.accounts.models import User
from apps.tenants.scope import tenant_scope
from tests.factories import grant, make_user
from tests.support.api_client import ApiClient

Api = Callable[..., ApiClient]
PAIRS = "/namespaces/company.team/kv"


def send(client: ApiClient, key: str, body: str, *, content_type: str = "text/plain", **headers: str) -> Any:
    path = client.url(f"{PAIRS}/{key}")
    return client.client.put(path, data=body.encode(), content_type=content_type, headers=headers)


@pytest.mark.parametrize(
    ("body", "kind", "value"),
    [
        ('"text"', "STRING", "text"),
        ("hello world", "STRING", "hello world"),
        ("1", "NUMBER", 1),
        ("true", "BOOLEAN", True),
        ('{"a": 1, "b": null}', "JSON", {"a": 1, "b": None}),
        ("2021-09-01", "DATE", "2021-09-01"),
        ("2021-09-01T01:02:03Z", "DATETIME", "2021-09-01T01:02:03Z"),
        ("PT5S", "DURATION", "PT5S"),
        ("{not json", "STRING", "{not json"),
    ],
)
@pytest.mark.parametrize("content_type", ["text/plain", "application/json"])
def test_put_then_get(api: Api, alice: User, body: str, kind: str, value: Any, content_type: str) -> None:
    client = api(alice)

    put = send(client, "k", body, content_type=content_type)
    assert (put.status_code, put.content) == (200, b"")
    assert client.get(f"{PAIRS}/k").json() == {"type": kind, "value": value}


def test_list_shows_no_values(api: Api, alice: User, frozen_clock: time_machine.Traveller) -> None:
    client = api(alice)
    send(client, "b", "1", ttl="PT1H", description="a counter")
    send(client, "a", "hidden")
    frozen_clock.shift(timedelta(minutes=1))
    send(client, "a", "hidden too")

    assert client.get(PAIRS).json() == [
        {"namespace": "company.team", "key": "a", "type": "STRING", "size": 12,
         "creationDate": "2026-01-15T10:00:00Z", "updateDate": "2026-01-15T10:01:00Z"},
        {"namespace": "company.team", "key": "b", "type": "NUMBER", "size": 1, "description": "a counter",
         "creationDate": "2026-01-15T10:00:00Z", "updateDate": "2026-01-15T10:00:00Z",
         "expirationDate": "2026-01-15T11:00:00Z"},
    ]  # fmt: skip
    assert client.get("/namespaces/company.other/kv").json() == []


def test_unknown_key_is_404_and_expired_410(api: Api, alice: User, frozen_clock: time_machine.Traveller) -> None:
    client = api(alice)
    send(client, "k", "1", ttl="PT1M")
    assert client.get(f"{PAIRS}/none").status_code == 404

    frozen_clock.shift(timedelta(minutes=1))
    expired = client.get(f"{PAIRS}/k")
    assert (expired.status_code, expired.json()["message"][:5]) == (410, "Gone:")
    assert client.get(PAIRS).json() == []


def test_delete_answers_whether_there_was_one(api: Api, alice: User) -> None:
    client = api(alice)
    for key in ("a", "b", "c"):
        send(client, key, "1")

    assert client.delete(f"{PAIRS}/a").json() is True
    assert client.delete(f"{PAIRS}/a").json() is False
    assert client.delete(PAIRS, {"keys": ["c", "a", "b"]}).json() == {"keys": ["b", "c"]}
    assert client.delete(PAIRS, {"keys": "b"}).status_code == 422


@pytest.mark.parametrize(
    ("key", "body", "headers", "text"),
    [
        ("-k", "1", {}, "Key must start"),
        ("..%2fk", "1", {}, "There is nothing here"),
        ("k", "1", {"ttl": "tomorrow"}, "Cannot convert 'tomorrow' to DURATION"),
        ("k", "1", {"ttl": "PT0S"}, "longer than nothing"),
    ],
)
def test_bad_request_is_told(api: Api, alice: User, key: str, body: str, headers: dict[str, str], text: str) -> None:
    client = api(alice)
    answer = send(client, key, body, **headers)

    assert answer.status_code in (404, 422)
    assert client.get(PAIRS).json() == []
    if answer.status_code == 422:
        assert text in answer.json()["message"]


def test_body_that_is_no_text_is_refused(api: Api, alice: User) -> None:
    client = api(alice)
    answer = client.client.put(client.url(f"{PAIRS}/k"), data=b"\xff\xfe", content_type="text/plain")

    assert answer.status_code == 422


def test_each_right_opens_its_own_door(api: Api, alice: User) -> None:
    send(api(alice), "there", "1")
    people = {}
    with tenant_scope("alpha"):
        for action in ("CREATE", "READ", "UPDATE", "DELETE"):
            people[action] = make_user(f"{action.lower()}@example.com")
            grant(people[action], f"KVSTORE:{action}", namespace="company")

    def tried(action: str) -> list[int]:
        client = api(people[action])
        return [
            client.get(PAIRS).status_code,
            client.get(f"{PAIRS}/there").status_code,
            send(client, f"new-{action}", "1").status_code,
            send(client, "there", "1").status_code,
            client.delete(f"{PAIRS}/none").status_code,
            client.delete(PAIRS, {"keys": []}).status_code,
        ]

    assert tried("READ") == [200, 200, 403, 403, 403, 403]
    assert tried("CREATE") == [403, 403, 200, 403, 403, 403]
    assert tried("UPDATE") == [403, 403, 403, 200, 403, 403]
    assert tried("DELETE") == [403, 403, 403, 403, 200, 200]


def test_right_in_one_namespace_is_none_in_another(api: Api, alice: User) -> None:
    with tenant_scope("alpha"):
        person = make_user("dora@example.com")
        grant(person, "KVSTORE:READ", "KVSTORE:CREATE", "KVSTORE:UPDATE", namespace="company.other")

    client = api(person)
    assert client.get(PAIRS).status_code == 403
    assert send(client, "k", "1").status_code == 403
    assert client.get("/namespaces/company.other/kv").status_code == 200


def test_strangers_do_not_come_in(api: Api, alice: User, charlie: User) -> None:
    send(api(alice), "k", "1")

    assert send(api(charlie), "k", "2").status_code == 404
    assert api(charlie).get(f"{PAIRS}/k").status_code == 404
    assert send(api(), "k", "2").status_code == 401
    assert api(charlie, tenant="beta").get(f"{PAIRS}/k").status_code == 404
    assert api(alice).get(f"{PAIRS}/k").json()["value"] == 1
