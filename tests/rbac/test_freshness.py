"""What a process remembers of people and rights never outlives a change: the next request sees it."""

from __future__ import annotations

import base64
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.accounts.authentication import remembered
from apps.accounts.models import ApiToken, User
from apps.accounts.services import create_api_token
from apps.common.clock import now
from apps.rbac.models import Binding, BindingType, Group, GroupMember, Role
from apps.tenants.models import Tenant
from tests.factories import bind, make_role, make_user
from tests.support.world import PASSWORD

ROLES = "/api/v1/alpha/roles/search"


@pytest.fixture
def dana(in_alpha: Tenant) -> User:
    """May see roles, by a role of her own."""
    dana = make_user("dana@example.com", password=PASSWORD)
    bind(dana, make_role("sees roles", {"ROLE": ["READ"]}))
    return dana


def ask(client: Client, user: str = "dana@example.com") -> int:
    login = base64.b64encode(f"{user}:{PASSWORD}".encode()).decode()
    return int(client.get(ROLES, headers={"Authorization": f"Basic {login}"}).status_code)


def test_a_binding_that_was_taken_away_opens_nothing_more(client: Client, dana: User) -> None:
    assert [ask(client), ask(client)] == [200, 200]
    Binding.objects.filter(external_id=dana.pk).delete()
    assert ask(client) == 404, "she has nothing to do with the tenant any more"


def test_a_role_that_lost_a_right_gives_it_no_more(client: Client, dana: User) -> None:
    assert [ask(client), ask(client)] == [200, 200]
    Role.objects.filter(name="sees roles").update(permissions={"FLOW": ["READ"]})
    assert ask(client) == 403
    Role.objects.filter(name="sees roles").update(permissions={"ROLE": ["READ"]})
    assert ask(client) == 200


def test_who_left_a_group_has_its_rights_no_more(client: Client, in_alpha: Tenant) -> None:
    erin = make_user("erin@example.com", password=PASSWORD)
    group = Group.objects.create(name="readers")
    member = GroupMember.objects.create(group=group, user_id=erin.pk)
    role = make_role("group's", {"ROLE": ["READ"]})
    Binding.objects.create(type=BindingType.GROUP, external_id=group.pk, role=role)
    assert ask(client, erin.username) == 200
    member.delete()
    assert ask(client, erin.username) == 404


def test_who_was_made_inactive_is_nobody(client: Client, dana: User) -> None:
    assert [ask(client), ask(client)] == [200, 200]
    User.objects.filter(pk=dana.pk).update(is_active=False)
    assert ask(client) == 401


def test_a_token_that_was_deleted_or_is_over_opens_nothing_more(client: Client, dana: User) -> None:
    token, text = create_api_token(acting_user=dana, user=dana, name="ci", description="", max_age=timedelta(hours=1))
    headers = {"Authorization": f"Bearer {text}"}
    assert [client.get(ROLES, headers=headers).status_code for _ in range(2)] == [200, 200]
    ApiToken.objects.filter(pk=token.pk).update(expires=now() - timedelta(seconds=1))
    assert client.get(ROLES, headers=headers).status_code == 401
    ApiToken.objects.filter(pk=token.pk).update(expires=None)
    assert client.get(ROLES, headers=headers).status_code == 200
    ApiToken.objects.filter(pk=token.pk).delete()
    assert client.get(ROLES, headers=headers).status_code == 401


def test_what_a_request_does_to_its_user_stays_in_it(dana: User) -> None:
    first = remembered.user(dana.username)
    assert first is not None
    first.preferences["theme"] = "dark"
    first.first_name = "Somebody else"
    second = remembered.user(dana.username)
    assert second is not None
    assert (second.preferences, second.first_name) == ({}, "")


def test_a_known_person_costs_one_small_query(dana: User) -> None:
    remembered.user(dana.username)
    with CaptureQueriesContext(connection) as asked:
        assert remembered.user(dana.username) is not None
    (query,) = [one["sql"] for one in asked if not one["sql"].startswith("SET")]
    assert "password" not in query
