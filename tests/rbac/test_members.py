"""Who may enter which tenant is told by one index: it says what the tenants say, however they are changed."""

import random
import threading
import time
from collections.abc import Callable, Iterable

import pytest
from django.core.management import call_command
from django.db import connection, transaction

from apps.accounts.models import User
from apps.accounts.services import delete_user
from apps.instance.services.tenants import create_tenant, delete_tenant
from apps.rbac.models import Binding, BindingType, Group, GroupMember, Role, TenantAccess
from apps.rbac.selectors import member_ids, tenants_with_access
from apps.rbac.services.bindings import add_access, remove_access
from apps.rbac.services.members import Differences, compare_members
from apps.tenants.models import Tenant, TenantMember
from apps.tenants.scope import tenant_scope
from tests.factories import bind, make_user

TENANTS = ("alpha", "beta")


def slow_answer(person: User, tenants: Iterable[str]) -> list[str]:
    """Asks each tenant."""
    found = []
    for name in tenants:
        with tenant_scope(name):
            if person.pk in member_ids():
                found.append(name)
    return found


def listed(person: User) -> list[str]:
    return [tenant.pk for tenant in tenants_with_access(person)]


def change(dice: random.Random, people: list[User], groups: dict[str, list[Group]], tenant: str) -> None:
    """One of the ways in which rights come and go, by rows as by sets of rows."""
    person, group = dice.choice(people), dice.choice(groups[tenant])
    role = dice.choice(list(Role.objects.all()))
    match dice.randrange(8):
        case 0:
            Binding.objects.get_or_create(type=BindingType.USER, external_id=person.pk, role=role, namespace=None)
        case 1:
            Binding.objects.get_or_create(type=BindingType.GROUP, external_id=group.pk, role=role, namespace="a.b")
        case 2:
            GroupMember.objects.update_or_create(group=group, user_id=person.pk)
        case 3:
            TenantAccess.objects.get_or_create(pk=person.pk)
        case 4:
            Binding.objects.filter(external_id=person.pk).delete()
        case 5:
            group.members.filter(user_id__in=[one.pk for one in dice.sample(people, 2)]).delete()
        case 6:
            TenantAccess.objects.filter(pk=person.pk).delete()
        case 7:
            GroupMember.objects.filter(user_id=person.pk, group=group).update(user_id=make_user(f"{dice.random()}").pk)


@pytest.mark.parametrize("seed", range(3))
def test_after_any_changes_the_index_says_what_the_tenants_say(db: None, seed: int) -> None:
    dice = random.Random(seed)
    people = [make_user(f"person-{number}@example.com") for number in range(4)]
    groups = {}
    for name in TENANTS:
        with tenant_scope(name):
            groups[name] = [Group.objects.create(name=f"group {number}") for number in range(2)]
    for _ in range(60):
        tenant = dice.choice(TENANTS)
        with tenant_scope(tenant):
            change(dice, people, groups, tenant)
        for person in people:
            assert listed(person) == slow_answer(person, TENANTS)
    for name in TENANTS:
        with tenant_scope(name):
            assert compare_members() == Differences(0, 0)


def test_deleted_people_and_tenants_are_in_no_index(alice: User, bob: User) -> None:
    create_tenant(acting_user=bob, tenant_id="gamma")
    assert listed(bob) == ["alpha", "gamma"]
    Tenant.objects.filter(pk="gamma").update(deleted_at="2026-01-01T00:00Z")
    assert listed(bob) == ["alpha"], "nobody enters it any more"
    delete_tenant(acting_user=alice, tenant=Tenant.objects.get(pk="gamma"))
    assert not TenantMember.objects.filter(tenant_id="gamma").exists()
    delete_user(acting_user=alice, user=bob)
    assert not TenantMember.objects.filter(user_id=bob.pk).exists()


def test_the_command_tells_and_mends_what_was_written_past_the_triggers(
    in_alpha: Tenant, bob: User, charlie: User, capsys: pytest.CaptureFixture[str]
) -> None:
    TenantMember.objects.filter(user=bob).delete()
    TenantMember.objects.create(user=charlie, tenant_id="alpha")
    with pytest.raises(SystemExit) as differs:
        call_command("check_members", "--tenant", "alpha")
    assert differs.value.code == 1
    assert "lacking 1\tleft over 1" in capsys.readouterr().out
    call_command("check_members", "--repair")
    call_command("check_members")
    assert (listed(bob), listed(charlie)) == (["alpha"], ["beta"])


def in_another_process(write: Callable[[], object]) -> threading.Thread:
    """Begins to write in alpha on a connection of its own; it waits for the transaction that is open here by then."""

    def run() -> None:
        with tenant_scope("alpha"):
            write()
        connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    deadline = time.monotonic() + 60
    with connection.cursor() as cursor:
        while True:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted AND pid <> pg_backend_pid()")
            if cursor.fetchone() != (0,):
                return thread
            assert time.monotonic() < deadline, "it does not wait"
            time.sleep(0.01)  # polled until the deadline


def test_of_two_who_write_at_the_same_time_the_second_sees_what_the_first_did(committed_alpha: str) -> None:
    """One takes a person's last access while another binds him: he stays in the index, whoever commits first."""
    person = make_user("dave@example.com")
    viewer = Role.objects.get(name="Viewer")
    try:
        add_access(acting_user=None, user=person)
        with transaction.atomic():
            bind(person, viewer)
            other = in_another_process(lambda: TenantAccess.objects.filter(pk=person.pk).delete())
        other.join(60)
        assert listed(person) == slow_answer(person, TENANTS) == ["alpha"]
        with transaction.atomic():
            remove_access(acting_user=None, user=person)
            other = in_another_process(lambda: TenantAccess.objects.create(pk=person.pk))
        other.join(60)
        assert listed(person) == slow_answer(person, TENANTS) == ["alpha"]
        remove_access(acting_user=None, user=person)
        assert listed(person) == []
    finally:
        Binding.objects.filter(external_id=person.pk).delete()
        TenantAccess.objects.filter(pk=person.pk).delete()
        person.delete()
