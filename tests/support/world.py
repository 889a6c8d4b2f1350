"""The world every database test starts in: two tenants and three people."""

from typing import Final

from apps.accounts.models import User
from apps.instance.services.tenants import create_tenant
from apps.rbac.models import Role
from apps.tenants.models import Tenant
from apps.tenants.scope import tenant_scope
from tests.factories import bind, make_user

ALPHA: Final = "alpha"
BETA: Final = "beta"
PASSWORD: Final = "Passw0rd-of-all"


def build_world() -> None:
    """Alice is Admin of alpha, Charlie of beta; Bob views one namespace of alpha. Committed, once per test database."""
    if Tenant.objects.filter(pk=ALPHA).exists():
        return
    alice = make_user("alice@example.com", password=PASSWORD, first_name="Alice")
    bob = make_user("bob@example.com", password=PASSWORD, first_name="Bob")
    charlie = make_user("charlie@example.com", password=PASSWORD, first_name="Charlie")
    create_tenant(acting_user=alice, tenant_id=ALPHA, name="Alpha")
    create_tenant(acting_user=charlie, tenant_id=BETA, name="Beta")
    with tenant_scope(ALPHA):
        bind(bob, Role.objects.get(name="Viewer"), namespace="company.team")


def person(name: str) -> User:
    """Fresh from the database, with nothing remembered."""
    return User.objects.get(username=f"{name}@example.com")
